//! The table of leases against a plain account of what was asked and answered, over random sequences.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn handle(nth: usize) -> ReceiptHandle {
    ReceiptHandle(nth.to_string())
}

/// What the table is to know of one lease.
#[derive(Debug, Clone)]
struct Known {
    received_at: Instant,
    /// From when the current timeout counts.
    since: Instant,
    until: Instant,
    asked_at: Option<Instant>,
    /// After a failure: not before, and by then at the latest.
    again: Option<(Instant, Instant)>,
    settling: bool,
    lost: bool,
}

impl Known {
    fn new(received_at: Instant, visibility: Duration) -> Self {
        let until = received_at + visibility;
        Self {
            received_at,
            since: received_at,
            until,
            asked_at: None,
            again: None,
            settling: false,
            lost: false,
        }
    }

    fn is_held(&self, now: Instant) -> bool {
        !self.lost && now < self.until
    }

    fn may_be_asked_for(&self, now: Instant, visibility: Duration) -> bool {
        self.is_held(now)
            && self.asked_at.is_none()
            && !self.settling
            && now + visibility <= self.received_at + LONGEST.saturating_sub(visibility)
    }
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Extended,
    Failed,
    Refused,
}

#[derive(Debug, Clone)]
enum Step {
    /// After a receive that took this share of a timeout.
    Open {
        share: f64,
    },
    Close {
        nth: usize,
    },
    Settle {
        nth: usize,
    },
    /// Nobody looks for this share of a timeout.
    Wait {
        share: f64,
    },
    Ask,
    Answer {
        nth: usize,
        answer: Answer,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let answer = prop_oneof![
        4 => Just(Answer::Extended),
        2 => Just(Answer::Failed),
        1 => Just(Answer::Refused),
    ];
    let step = prop_oneof![
        6 => (0.0..0.4_f64).prop_map(|share| Step::Open { share }),
        1 => (0..100_usize).prop_map(|nth| Step::Close { nth }),
        1 => (0..100_usize).prop_map(|nth| Step::Settle { nth }),
        4 => (0.0..0.3_f64).prop_map(|share| Step::Wait { share }),
        4 => Just(Step::Ask),
        8 => (0..100_usize, answer).prop_map(|(nth, answer)| Step::Answer { nth, answer }),
    ];
    prop::collection::vec(step, 0..300)
}

/// Short ones, where a second is much, and one that meets the twelve hours soon.
fn visibility() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(17 * SECOND), Just(MINUTE), Just(90 * MINUTE)]
}

/// One of those for whom `choose` holds.
fn pick(known: &BTreeMap<u64, Known>, nth: usize, choose: impl Fn(&Known) -> bool) -> Option<u64> {
    let chosen: Vec<u64> = known.iter().filter(|(_, lease)| choose(lease)).map(|(id, _)| *id).collect();
    chosen.get(nth % chosen.len().max(1)).copied()
}

proptest! {
    /// However late anybody looks and whatever is answered: nothing that is lost, closed, asked for or
    /// being settled is ever offered, all that is due is, earliest end first, and the lost stay lost.
    #[test]
    fn whatever_happens_what_is_offered_is_what_is_due(steps in steps(), visibility in visibility()) {
        let mut now = Instant::now();
        let mut table = LeaseTable::default();
        let mut known: BTreeMap<u64, Known> = BTreeMap::new();
        let (mut lost, mut told) = (0, 0);
        for step in steps {
            match step {
                Step::Open { share } => {
                    let received_at = now;
                    now += visibility.mul_f64(share);
                    let id = table.open(handle(known.len()), received_at, received_at + visibility);
                    prop_assert!(known.insert(id, Known::new(received_at, visibility)).is_none());
                }
                Step::Close { nth } => if let Some(id) = pick(&known, nth, |_| true) {
                    table.close(id);
                    known.remove(&id);
                },
                Step::Settle { nth } => if let Some(id) = pick(&known, nth, |lease| !lease.settling && !lease.lost) {
                    table.settling(id);
                    known.get_mut(&id).unwrap().settling = true;
                },
                Step::Wait { share } => now += visibility.mul_f64(share),
                Step::Ask => {
                    let mut offered = Vec::new();
                    loop {
                        let ten = table.due(now);
                        prop_assert!(ten.len() <= 10);
                        if ten.is_empty() { break; }
                        offered.extend(ten.into_iter().map(|(id, _)| id));
                    }
                    let ends: Vec<Instant> = offered.iter().map(|id| known[id].until).collect();
                    prop_assert!(ends.is_sorted(), "not the earliest first");
                    for id in offered {
                        let lease = known.get_mut(&id).unwrap();
                        prop_assert!(lease.may_be_asked_for(now, visibility), "{id} is offered: {lease:?}");
                        prop_assert!(now >= lease.since + visibility / 2);
                        prop_assert!(lease.again.is_none_or(|(not_before, _)| now >= not_before));
                        lease.asked_at = Some(now);
                    }
                    for (id, lease) in &mut known {
                        let by = lease.again.map_or(lease.since + visibility / 2, |(_, by)| by);
                        let late = lease.may_be_asked_for(now, visibility) && now >= by;
                        prop_assert!(!late, "{id} is not offered: {lease:?}");
                        if !lease.settling && !lease.lost && !lease.is_held(now) {
                            lease.lost = true;
                            lost += 1;
                        }
                    }
                    prop_assert!(table.next_deadline().is_none_or(|deadline| deadline > now));
                }
                Step::Answer { nth, answer } => if let Some(id) = pick(&known, nth, |lease| lease.asked_at.is_some()) {
                    let lease = known.get_mut(&id).unwrap();
                    let asked_at = lease.asked_at.take().unwrap();
                    let held = lease.is_held(now);
                    match answer {
                        Answer::Extended => {
                            prop_assert_eq!(table.on_extended(id, now, asked_at, visibility),
                                held && now < asked_at + visibility);
                            if held {
                                (lease.since, lease.until, lease.again) = (asked_at, asked_at + visibility, None);
                            }
                        }
                        Answer::Failed => {
                            prop_assert_eq!(table.on_failed(id, now, false, 0.9), !lease.settling);
                            let left = lease.until.saturating_duration_since(now);
                            lease.again = Some((now + (left * 3 / 16).max(SECOND), now + (left * 6 / 16).max(SECOND)));
                        }
                        Answer::Refused => {
                            prop_assert_eq!(table.on_failed(id, now, true, 0.5), !lease.settling);
                            if !lease.settling && !lease.lost {
                                lease.lost = true;
                                lost += 1;
                            }
                        }
                    }
                    if !lease.settling && !lease.lost && !lease.is_held(now) {
                        lease.lost = true;
                        lost += 1;
                    }
                },
            }
            told += table.take_lost();
            prop_assert_eq!((told, table.in_flight()), (lost, known.len()));
            for (id, lease) in &known {
                prop_assert_eq!(table.is_held(*id, now), lease.is_held(now), "{}: {:?}", id, lease);
                prop_assert!(lease.lost || table.until(*id) == Some(lease.until));
            }
            let held = known.values().filter(|lease| lease.is_held(now)).count();
            prop_assert_eq!(table.handles(now).len(), held);
        }
        for id in known.keys() {
            table.close(*id);
        }
        prop_assert_eq!((table.in_flight(), table.next_deadline(), table.due(now + MINUTE)), (0, None, vec![]));
    }
}

proptest! {
    // A case is days of many leases.
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Who asks when told to and is answered promptly holds on to everything, also when every second
    /// attempt fails.
    #[test]
    fn nothing_lapses_while_deadlines_are_honoured_and_answers_come(
        steps in prop::collection::vec((0..15_usize, 0.0..0.4_f64, 0.0..2.0_f64, any::<bool>()), 1..15),
        faults in prop::collection::vec(any::<bool>(), 1..50),
        latency in 0.0..0.1_f64,
        visibility in visibility(),
    ) {
        let mut now = Instant::now();
        let mut table = LeaseTable::default();
        let mut received: BTreeMap<u64, Instant> = BTreeMap::new();
        let mut failed_last: BTreeMap<u64, bool> = BTreeMap::new();
        let mut in_the_air: BTreeMap<(Instant, u64), Instant> = BTreeMap::new();
        let mut faults = faults.iter().cycle();
        for (opens, share, wait, ends) in steps {
            let received_at = now;
            let opened_at = now + visibility.mul_f64(share);
            let end = opened_at + visibility.mul_f64(wait);
            let mut opens = Some(opens);
            // An event simulation: the next answer, the next deadline, the opening or the end.
            loop {
                let answer = in_the_air.first_key_value().map(|((at, _), _)| *at);
                let opening = opens.map(|_| opened_at);
                let next = [answer, opening, table.next_deadline(), Some(end)].into_iter().flatten().min().unwrap();
                prop_assert!(next >= now, "a deadline in the past");
                now = next;
                if answer == Some(now) {
                    let ((_, id), asked_at) = in_the_air.pop_first().unwrap();
                    let fails = *faults.next().unwrap() && failed_last.insert(id, true) != Some(true);
                    if fails {
                        table.on_failed(id, now, false, 0.5);
                    } else {
                        failed_last.insert(id, false);
                        table.on_extended(id, now, asked_at, visibility);
                    }
                } else if opening == Some(now) {
                    for nth in 0..opens.take().unwrap() {
                        received.insert(table.open(handle(nth), received_at, received_at + visibility), received_at);
                    }
                } else if now == end {
                    break;
                }
                loop {
                    let ten = table.due(now);
                    if ten.is_empty() { break; }
                    for (id, _) in ten {
                        prop_assert!(received.contains_key(&id), "a closed lease is offered");
                        in_the_air.insert((now + visibility.mul_f64(latency), id), now);
                    }
                }
                for (id, received_at) in &received {
                    let spared = *received_at + LONGEST - 2 * visibility;
                    prop_assert!(table.is_held(*id, now) || now >= spared, "{id} lapsed");
                    prop_assert!(table.until(*id).unwrap() <= *received_at + LONGEST - visibility);
                }
            }
            if ends && let Some((id, _)) = received.pop_first() {
                table.close(id);
            }
        }
    }
}
