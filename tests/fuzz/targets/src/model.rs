//! The TOML of a model. Whoever runs the worker writes it, so a fault must tell him where it is; and a model
//! that is taken decides over every row there will ever be.

use domain::{Confirmation, ProfileModel, Reason, Timestamp};

use crate::{oracles, people};

/// The places a fault may name beside a line.
const PLACES: [&str; 10] = [
    "the model as a whole",
    "type = ",
    "key.partition",
    "key.sort",
    "key must contain",
    "fields.",
    "fields: ",
    "owner = ",
    "composites: ",
    "composites ",
];

/// A fault names its place. A model that is taken gives every user an item that can be written, one key for
/// the same user whatever changes about him, and different ones to different users.
pub fn judge(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let model = match ProfileModel::from_toml(text) {
        Ok(model) => model,
        Err(error) => {
            assert!(!error.faults.is_empty());
            for fault in &error.faults {
                let placed =
                    fault.contains("at line ") || PLACES.iter().any(|place| fault.starts_with(place));
                assert!(placed, "a fault without its place: {fault:?}");
            }
            return;
        }
    };
    assert_eq!(ProfileModel::from_toml(text).as_ref(), Ok(&model));
    let names: Vec<&str> = model.key_attributes().collect();
    assert!(
        matches!(names[..], [one] if !one.is_empty())
            || matches!(names[..], [one, two] if !one.is_empty() && !two.is_empty() && one != two)
    );

    let known = people::known(model.referenced_attributes());
    let unknown = people::unknown("00000000-0000-4000-8000-000000000000", "名前");
    let keys: Vec<_> = [&known, &unknown].into_iter().filter_map(|of| key_of(&model, of)).collect();
    assert!(keys.len() < 2 || keys[0] != keys[1], "two users have one key");

    let mut later = known.clone();
    later.email = Some("anna@example.org".into());
    later.email_verified = Some(false);
    later.observed_at = Timestamp::parse("2030-01-01T00:00:00Z").unwrap();
    later.created_at = None;
    if let (Some(before), Some(after)) = (key_of(&model, &known), key_of(&model, &later)) {
        assert_eq!(before, after, "a user has another key when something about him changed");
    }

    // The trigger forwards what the model refers to; what else is known must make no difference.
    let mut more = known.clone();
    more.attributes.extend(
        ["phone_number", "custom:else", "cognito:else"].map(unreferenced(&model)).into_iter().flatten(),
    );
    assert!(model.profile(&more) == model.profile(&known), "an attribute that is not referred to is used");
}

fn unreferenced(model: &ProfileModel) -> impl Fn(&str) -> Option<(String, String)> {
    let referenced = model.referenced_attributes();
    move |name| (!referenced.contains(name)).then(|| (name.to_owned(), "+15555550123".to_owned()))
}

fn key_of(model: &ProfileModel, of: &Confirmation) -> Option<domain::ProfileKey> {
    match model.profile(of) {
        Ok(profile) => {
            oracles::assert_writable(&profile, model, of);
            Some(profile.key)
        }
        Err(rejection) => {
            let expected = [Reason::ModelFieldMissing, Reason::KeyInvalid, Reason::ItemTooLarge];
            assert!(expected.contains(&rejection.reason), "{rejection}");
            oracles::assert_fits(&rejection);
            None
        }
    }
}
