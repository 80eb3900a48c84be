//! Users in logs: the same user is the same short hash within one deployment, and nobody outside it
//! can turn the hash back into a user or recognise it elsewhere.

use std::fmt;

use domain::ProfileKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Makes pseudonyms with one key.
#[derive(Clone)]
pub struct Pseudonyms {
    mac: Hmac<Sha256>,
}

impl Pseudonyms {
    /// Pseudonyms of `LOG_HASH_KEY`; without one, of a key that lives as long as the process.
    pub fn new(key: Option<&str>) -> Self {
        // Two version 4 UUIDs are 244 bits of the operating system's randomness.
        let random = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
        let key = key.map_or(random.as_slice(), str::as_bytes);
        // HMAC takes keys of any length; the error type exists for other algorithms.
        let mac = Hmac::new_from_slice(key)
            .unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
        Self { mac }
    }

    /// The pseudonym of the user with this key: 16 hexadecimal digits.
    pub fn of(&self, key: &ProfileKey) -> String {
        let mut mac = self.mac.clone();
        for (_, value) in key.iter() {
            mac.update(value.as_bytes());
            mac.update(&[0]);
        }
        let digest = mac.finalize().into_bytes();
        digest.iter().take(8).fold(String::with_capacity(16), |mut text, byte| {
            use fmt::Write;
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ProfileModel, Timestamp, body};

    #[test]
    fn a_user_has_one_pseudonym_per_key_and_it_says_nothing() {
        let text = r#"{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1",
            "sub":"9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11","username":"ana","observedAt":"2026-11-22T20:05:38.123Z"}"#;
        let received = body::read(text, Timestamp::from_epoch_ms(0).unwrap(), |_| false).unwrap();
        let key = ProfileModel::default().profile(&received.confirmation).unwrap().key;
        let ours = Pseudonyms::new(Some("key")).of(&key);
        assert_eq!(ours, Pseudonyms::new(Some("key")).of(&key));
        assert_ne!(ours, Pseudonyms::new(Some("other")).of(&key));
        assert_ne!(Pseudonyms::new(None).of(&key), Pseudonyms::new(None).of(&key));
        assert_eq!(ours.len(), 16);
        assert!(!ours.contains("9c1e"));
    }
}
