//! The users of a history and what is said of them: message bodies, and the items these may become.

use std::fmt;

use domain::{Profile, ProfileModel, Timestamp, body};

/// Users from this number on are newcomers, who sign up while others have trouble.
pub const NEWCOMERS: u64 = 1_000_000;

/// One message that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Makes the body one of its kind.
    pub nonce: u64,
    /// Whose, where it is anybody's.
    pub user: u64,
    /// What it is.
    pub what: What,
}

/// What a message is, and so what is to become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A sign-up; users who sign up with several addresses tell several stories.
    SignUp {
        /// Which story.
        story: u64,
    },
    /// A password reset, which this worker is not to act on.
    Reset,
    /// No JSON.
    Junk,
    /// An envelope of a version that this worker does not know.
    Newer,
}

impl Sent {
    /// The message's text.
    pub fn body(&self) -> String {
        let Self { nonce, user, what } = self;
        match what {
            What::SignUp { story } => envelope(1, *user, *story, "ConfirmSignUp", *nonce),
            What::Reset => envelope(1, *user, 0, "ConfirmForgotPassword", *nonce),
            What::Junk => format!("not json {nonce}"),
            What::Newer => envelope(2, *user, 0, "ConfirmSignUp", *nonce),
        }
    }

    /// The item that it asks for, if it is to become one.
    pub fn profile(&self) -> Option<Profile> {
        matches!(self.what, What::SignUp { .. }).then(|| profile(&self.body()))
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::SignUp { story } => write!(f, "sign-up of user {}, story {story}", self.user),
            What::Reset => write!(f, "password reset of user {}", self.user),
            What::Junk => f.write_str("junk"),
            What::Newer => write!(f, "newer version, of user {}", self.user),
        }
    }
}

fn envelope(version: u8, user: u64, story: u64, trigger: &str, nonce: u64) -> String {
    format!(
        r#"{{"v":{version},"kind":"user.confirmed","source":"cognito.trigger","trigger":"{trigger}",
            "userPoolId":"eu_A1","sub":"00000000-0000-0000-0000-{user:012x}","username":"u{user}",
            "email":"u{user}+{story}@example.com","observedAt":"2026-11-22T20:05:38.123Z","nonce":{nonce}}}"#
    )
}

fn profile(text: &str) -> Profile {
    let received = body::read(text, Timestamp::from_epoch_ms(0).unwrap(), |_| false).unwrap();
    ProfileModel::default().profile(&received.confirmation).unwrap()
}

/// The item of a user's first story.
pub fn profile_of(user: u64) -> Profile {
    profile(&envelope(1, user, 0, "ConfirmSignUp", 0))
}
