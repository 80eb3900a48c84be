//! MD5 digests of bodies and attributes, by the algorithm AWS documents for message attributes.
//!
//! Exists because some SDKs refuse a message whose digests do not match. Must never be used for
//! anything but these wire fields: MD5 is no security.

use std::fmt::Write as _;

use ::md5::{Digest, Md5};

/// A value as the digest sees it. Numbers are text here: AWS hashes what was sent, not its meaning.
#[derive(Clone, Copy)]
pub(crate) enum Payload<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
}

pub(crate) fn of_body(body: &str) -> String {
    let mut hash = Md5::new();
    hash.update(body.as_bytes());
    hex(hash)
}

/// Digest of attributes, which must come sorted by name; `None` when there is none, because AWS
/// leaves the field out then.
pub(crate) fn of_attributes<'a>(
    sorted: impl Iterator<Item = (&'a str, &'a str, Payload<'a>)>,
) -> Option<String> {
    let mut sorted = sorted.peekable();
    sorted.peek()?;
    let mut hash = Md5::new();
    for (name, data_type, payload) in sorted {
        field(&mut hash, name.as_bytes());
        field(&mut hash, data_type.as_bytes());
        match payload {
            Payload::Text(text) => {
                hash.update([1]);
                field(&mut hash, text.as_bytes());
            }
            Payload::Bytes(bytes) => {
                hash.update([2]);
                field(&mut hash, bytes);
            }
        }
    }
    Some(hex(hash))
}

fn field(hash: &mut Md5, bytes: &[u8]) {
    // Messages end at 1 MiB, so the length always fits.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    hash.update(length.to_be_bytes());
    hash.update(bytes);
}

fn hex(hash: Md5) -> String {
    let mut text = String::with_capacity(32);
    for byte in hash.finalize() {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Payload, of_attributes, of_body};

    #[test]
    fn bodies_match_known_digests() {
        assert_eq!(of_body(""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(of_body("msg"), "6e2baaf3b97dbeef01c0043275f9a0e7");
        assert_eq!(of_body("grüße"), "fee40dc24d0ad6a90c608052aa4e9e66");
    }

    /// The first four values were recorded from AWS itself.
    #[test]
    fn attributes_match_what_aws_returned() {
        let text = |pairs: &[(&str, &str)]| {
            of_attributes(pairs.iter().map(|(name, value)| (*name, "String", Payload::Text(value))))
        };
        assert_eq!(
            text(&[("General", "Kenobi"), ("Hello", "There"), ("Help.Me", "Me")]).unwrap(),
            "4c360f3fdafd970e05fae2f149d997f5"
        );
        assert_eq!(text(&[("Hello", "There")]).unwrap(), "a311262e065454b75da111d535b8dacd");
        assert_eq!(text(&[("Foo", "Bar")]).unwrap(), "ae7155c6026991b6d54b11589678bf9c");
        let binary = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01";
        assert_eq!(
            of_attributes([("attr1", "Binary", Payload::Bytes(binary))].into_iter()).unwrap(),
            "8cbe4db156db8a94db8b801b7addb984"
        );
        assert_eq!(text(&[]), None);
    }
}
