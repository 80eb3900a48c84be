//! Who sends which message. All of it follows from the message's number, so that ten million of them take no
//! memory: every tenth message is a repeat, half of these within nine places of the first.

use domain::ProfileKey;

use crate::people::{Sent, What};

/// One in so many messages is a repeat.
const REPEATS: u64 = 10;

/// Whose message this is: the number of the first message of its user.
pub fn user_of(message: u64) -> u64 {
    if message % REPEATS != REPEATS - 1 {
        return message;
    }
    let decade = message / REPEATS;
    if decade.is_multiple_of(2) {
        // A neighbour, which is no repeat itself.
        return message - 1 - mix(message) % (REPEATS - 1);
    }
    let earlier = mix(message) % decade;
    earlier * REPEATS + mix(earlier ^ message) % (REPEATS - 1)
}

/// How many users send the first `messages`.
pub fn users_of(messages: u64) -> u64 {
    messages - messages / REPEATS
}

/// The message, from which its body can be made.
pub fn sent(message: u64) -> Sent {
    Sent { nonce: message, user: user_of(message), what: What::SignUp { story: 0 } }
}

/// The user whose key this is; a user's id ends with his number.
pub fn user_of_key(key: &ProfileKey) -> Option<u64> {
    let (_, id) = key.iter().next()?;
    u64::from_str_radix(id.rsplit('-').next()?, 16).ok()
}

/// Where the user's key lies among all keys, as DynamoDB's hash would have it: evenly, but for a share of `hot` that
/// crowds into the first thousandth.
pub fn place_of(user: u64, hot: f64) -> f64 {
    let even = |number: u64| (mix(number) >> 11) as f64 / (1_u64 << 53) as f64;
    let place = even(user);
    if even(!user) < hot { place / 1000.0 } else { place }
}

/// Sebastiano Vigna's splitmix64, by its published constants: one number in, one that looks like chance out.
const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
