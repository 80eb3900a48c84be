//! What a check found: what was observed, and what is documented. Both are words for people, made of the port's
//! answers in one vocabulary; equality of the words is the judgement.

use worker::ports::{CallError, EntryResults, Inserted, StoredOwner};

/// The outcome of a check that ran to its end.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// What AWS documents. Several where the documentation leaves it open: what the worker can live with.
    pub(crate) documented: Vec<String>,
    /// What the engine did.
    pub(crate) observed: String,
}

impl Finding {
    /// The documentation says which.
    pub(crate) fn documented(expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Self { documented: vec![expected.into()], observed: observed.into() }
    }

    /// The documentation leaves it open; each of these is one the worker can live with.
    pub(crate) fn left_open<const N: usize>(admissible: [&str; N], observed: impl Into<String>) -> Self {
        Self { documented: admissible.map(str::to_owned).into(), observed: observed.into() }
    }

    /// Whether the engine does what is documented.
    pub(crate) fn holds(&self) -> bool {
        self.documented.contains(&self.observed)
    }

    /// Whether there is more than one way to do it.
    pub(crate) fn is_left_open(&self) -> bool {
        self.documented.len() > 1
    }
}

/// `ok`, or the class of the error.
pub(crate) fn word<T>(result: &Result<T, CallError>) -> &'static str {
    result.as_ref().map_or_else(|error| error.class.name(), |_| "ok")
}

/// The class of a failed call, or a word for each of its entries.
pub(crate) fn words(results: &Result<EntryResults, CallError>) -> String {
    listed(results, |result| word(result).to_owned())
}

/// `created`, `exists: owner`, or the class of the error.
pub(crate) fn inserted(result: &Result<Inserted, CallError>) -> String {
    match result {
        Ok(Inserted::Created) => "created".to_owned(),
        Ok(Inserted::Exists(stored)) => format!("exists: {}", owner(stored)),
        Err(error) => error.class.name().to_owned(),
    }
}

/// The class of a failed call, or [`inserted`] of each item.
pub(crate) fn all_inserted(results: &Result<Vec<Result<Inserted, CallError>>, CallError>) -> String {
    listed(results, inserted)
}

/// The user name that the checks put behind `::`, or what is there in its place.
pub(crate) fn owner(stored: &StoredOwner) -> String {
    match stored {
        StoredOwner::NotTold => "not told".to_owned(),
        StoredOwner::Gone => "gone".to_owned(),
        StoredOwner::Missing => "no owner".to_owned(),
        StoredOwner::Is(owner) => owner.rsplit("::").next().unwrap_or_default().to_owned(),
    }
}

/// The class of a failed call, or the words of what it brought. Equal words in a row are counted.
pub(crate) fn listed<T>(results: &Result<Vec<T>, CallError>, word: impl Fn(&T) -> String) -> String {
    let results = match results {
        Ok(results) => results,
        Err(error) => return format!("the call is {}", error.class.name()),
    };
    let mut runs: Vec<(String, usize)> = Vec::new();
    for word in results.iter().map(word) {
        match runs.last_mut() {
            Some((last, count)) if *last == word => *count += 1,
            _ => runs.push((word, 1)),
        }
    }
    let run = |(word, count): (String, usize)| if count == 1 { word } else { format!("{count} × {word}") };
    runs.into_iter().map(run).collect::<Vec<_>>().join(", ")
}
