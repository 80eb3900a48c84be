//! A history as it is told: what one message went through, stage by stage, in the pipeline's own words
//! (its log events) and in those of the calls that it made.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::history::Report;
use crate::people::Sent;
use crate::world::{About, World};

/// From now on, until the guard is dropped, what the worker logs on this thread goes into the journal.
pub fn listen(world: World) -> DefaultGuard {
    tracing::subscriber::set_default(tracing_subscriber::registry().with(Ear(world)))
}

struct Ear(World);

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() > Level::DEBUG || !event.metadata().target().starts_with("worker") {
            return;
        }
        let mut said = Said::default();
        event.record(&mut said);
        let about = said.message.map_or(About::All, |message| About::Messages(vec![message]));
        self.0.state().note(None, about, || format!("» {}{}", said.event, said.fields));
    }
}

/// One log event: its name, the message it is about, and the rest.
#[derive(Default)]
struct Said {
    event: String,
    message: Option<u64>,
    fields: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field.name(), format!("{value:?}").trim_matches('"'));
    }
}

impl Said {
    fn take(&mut self, name: &str, value: &str) {
        match name {
            "event" => value.clone_into(&mut self.event),
            "message_id" => self.message = value.parse().ok(),
            // The sentence says what the name says.
            "message" | "user" => {}
            _ if value.is_empty() => {}
            _ => drop(write!(self.fields, " {name}={value}")),
        }
    }
}

/// What one message went through.
pub fn of_message(report: &Report, message: u64, sent: Sent) -> String {
    let mut text = format!("message {message}: {sent}\n");
    for line in &report.journal {
        let concerns = match &line.about {
            About::All => true,
            About::Messages(messages) => messages.contains(&message),
            // Others ask the table for nobody.
            About::Users(users) => sent.profile().is_some() && users.contains(&sent.user),
        };
        if concerns {
            let others = match &line.about {
                About::Messages(messages) if messages.len() > 1 => {
                    format!(", with {} others", messages.len() - 1)
                }
                About::Users(users) if users.len() > 1 => format!(", with {} others", users.len() - 1),
                _ => String::new(),
            };
            let worker = line.worker.map_or_else(|| "         ".into(), |worker| format!("worker {worker} "));
            let _ = writeln!(text, "{:>12.3} s  {worker} {}{others}", line.at.as_secs_f64(), line.text);
        }
    }
    text
}

/// The message that a violation is most likely about, or else the one that most is told of.
pub fn most_telling(report: &Report, messages: impl Iterator<Item = (u64, Sent)>) -> Option<(u64, Sent)> {
    let named = |kind: &str| -> Option<u64> {
        let found = report.violations.iter().find_map(|text| text.split_once(kind))?.1;
        found.split(|character: char| !character.is_ascii_digit()).find(|part| !part.is_empty())?.parse().ok()
    };
    let (message, user) = (named("message "), named("user "));
    messages.max_by_key(|(id, sent)| {
        let told = report.journal.iter().filter(|line| match &line.about {
            About::Messages(messages) => messages.contains(id),
            About::All | About::Users(_) => false,
        });
        (Some(*id) == message, message.is_none() && Some(sent.user) == user, told.count())
    })
}
