//! Every combination of what can be found leads to a sentence; a few of them, word for word, and what holds of all.

use super::*;

fn accounts() -> Vec<Account> {
    let statuses = UserStatus::NAMED.into_iter().chain([UserStatus::Other("ARCHIVED".to_owned())]);
    let present = statuses
        .flat_map(|status| [true, false].map(|enabled| Account::Present { status: status.clone(), enabled }));
    [Account::NotAsked, Account::Denied, Account::Absent].into_iter().chain(present).collect()
}

fn rows() -> Vec<Row> {
    let whose = [Whose::His, Whose::Nobodys, Whose::Anothers, Whose::Unknown];
    let present = whose.into_iter().flat_map(|whose| {
        [Vec::new(), vec!["createdAt".to_owned()]].map(|lacks| Row::Present { whose, lacks })
    });
    let no_key = Row::NoKey(rejection());
    [Row::KeyUnknown, no_key, Row::Denied, Row::Absent].into_iter().chain(present).collect()
}

fn deads() -> Vec<Dead> {
    let causes = Reason::ALL.map(Cause::Quarantined).into_iter();
    let causes = causes.chain([Cause::MovedBySqs, Cause::Unknown("new".to_owned())]);
    [Dead::NoQueue, Dead::Denied, Dead::None].into_iter().chain(causes.map(Dead::Message)).collect()
}

fn rejection() -> Rejection {
    Rejection::new(Reason::ModelFieldMissing, "the model requires tenant")
}

fn everything() -> Vec<Found> {
    let mut all = Vec::new();
    for account in accounts() {
        for row in rows() {
            for elsewhere in
                [Elsewhere::NotLooked, Elsewhere::Rows(0), Elsewhere::Rows(1), Elsewhere::Rows(2)]
            {
                for dead in deads() {
                    for unmakeable in [None, Some(rejection())] {
                        let (account, row, dead) = (account.clone(), row.clone(), dead.clone());
                        all.push(Found { account, row, elsewhere, dead, unmakeable });
                    }
                }
            }
        }
    }
    all
}

#[test]
fn all_is_well_only_with_one_whole_row_of_his() {
    let mut well = 0;
    for found in everything() {
        let legacy = found.elsewhere == Elsewhere::Rows(1);
        let expected = match &found.row {
            Row::Present { whose: Whose::His | Whose::Nobodys, lacks } => {
                let more = matches!(found.elsewhere, Elsewhere::Rows(1..));
                lacks.is_empty() && !more && found.account != Account::Absent
            }
            Row::Absent => legacy && found.account != Account::Absent,
            _ => false,
        };
        let next = next(&found);
        assert_eq!(next.well, expected, "{found:?}: {}", next.sentence);
        well += u32::from(expected);
    }
    assert!(well > 0);
}

#[test]
fn whatever_is_found_the_sentence_says_what_to_do_about_it() {
    for found in everything() {
        let next = next(&found);
        let says = |text: &str| {
            assert!(next.sentence.contains(text), "{text} is not in {:?} for {found:?}", next.sentence);
        };
        match (&found.row, &found.account) {
            (Row::Denied, _) => says("dynamodb:GetItem"),
            (Row::Present { whose: Whose::Anothers, .. }, _) => {
                says("never overwritten");
                if matches!(found.dead, Dead::Message(_)) {
                    says("quarantine retry");
                }
            }
            (Row::Present { .. }, Account::Absent) => says("orphan"),
            (Row::Present { whose: Whose::Unknown, .. }, _) => says("user name"),
            (Row::Present { lacks, .. }, _) if !lacks.is_empty() => says("lacks createdAt"),
            (Row::Present { .. }, _) if matches!(found.elsewhere, Elsewhere::Rows(1..)) => says("adopt"),
            (Row::Present { .. }, _) => says("nothing: his profile is there"),
            (_, Account::Absent) => says("no such user"),
            (Row::NoKey(_), _) => says("model_field_missing"),
            (Row::KeyUnknown, Account::Denied) => says("cognito-idp:ListUsers"),
            (Row::KeyUnknown, _) => says("USER_POOL_ID"),
            (Row::Absent, _) if matches!(found.elsewhere, Elsewhere::Rows(1..)) => says("adopt"),
            (Row::Absent, Account::Denied) => says("cognito-idp:ListUsers"),
            (Row::Absent, Account::NotAsked) => says("USER_POOL_ID"),
            (Row::Absent, Account::Present { status: UserStatus::Unconfirmed, .. }) => {
                says("when he confirms");
            }
            (Row::Absent, Account::Present { enabled: false, .. }) => says("disabled"),
            (Row::Absent, Account::Present { status: UserStatus::ForceChangePassword, .. }) => {
                says("backfill");
            }
            (Row::Absent, Account::Present { status: UserStatus::Other(_), .. }) => says("his status"),
            (Row::Absent, Account::Present { .. }) if found.unmakeable.is_some() => {
                says("model_field_missing");
            }
            (Row::Absent, Account::Present { .. }) => match &found.dead {
                Dead::None | Dead::NoQueue => says("reconcile --fix missing enqueues him"),
                Dead::Denied => says("sqs:ReceiveMessage"),
                Dead::Message(_) => says("quarantine"),
            },
        }
    }
}

#[test]
fn a_message_that_can_never_become_an_item_is_not_to_be_retried() {
    for reason in Reason::ALL {
        let hopeless = !matches!(
            reason,
            Reason::PoolNotAllowed
                | Reason::UnsupportedVersion
                | Reason::ModelFieldMissing
                | Reason::KeyInvalid
                | Reason::ItemTooLarge
                | Reason::OwnerConflict
                | Reason::ServiceRejected
        );
        let told = remedy(&Cause::Quarantined(reason));
        assert_eq!(!told.contains("quarantine retry"), hopeless, "{reason}: {told}");
        assert_eq!(told.contains("enqueues him anew"), hopeless, "{reason}: {told}");
    }
}

#[test]
fn the_sentence_support_reads_most_often() {
    let found = Found {
        account: Account::Present { status: UserStatus::Confirmed, enabled: true },
        row: Row::Absent,
        elsewhere: Elsewhere::NotLooked,
        dead: Dead::None,
        unmakeable: None,
    };
    assert_eq!(
        next(&found).sentence,
        "confirmed, no item, nothing in the dead-letter queue: reconcile --fix missing enqueues him, unless his \
         message is still in the queue"
    );
}
