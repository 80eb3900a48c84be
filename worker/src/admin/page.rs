//! The status page's files, part of the program: nothing is read from disk and nothing comes from elsewhere. The
//! headline is written into the page as it is sent, so that it says something without JavaScript.

use std::fmt::Write as _;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::headline::Headline;

const PAGE: &str = include_str!("page/index.html");

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type and text of everything that the page loads.
pub(super) const FILES: [(&str, &str, &str); 5] = [
    ("/page.css", CSS, include_str!("page/page.css")),
    ("/page.js", JAVASCRIPT, include_str!("page/page.js")),
    ("/chart.js", JAVASCRIPT, include_str!("page/chart.js")),
    ("/stream.js", JAVASCRIPT, include_str!("page/stream.js")),
    ("/words.js", JAVASCRIPT, include_str!("page/words.js")),
];

/// The page with this headline in it.
pub(super) fn page(headline: &Headline) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], write(headline))
}

/// One of [`FILES`].
pub(super) fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}

fn write(headline: &Headline) -> String {
    let notes = headline.notes.iter().fold(String::new(), |mut notes, note| {
        // Writing into a String does not fail.
        let _ = write!(notes, "<li>{}</li>", typed(&escaped(note)));
        notes
    });
    PAGE.replace("{{tone}}", headline.tone.name())
        .replace("{{word}}", headline.word)
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
        .replace("{{sentence}}", &escaped(&headline.sentence))
        .replace("{{notes}}", &notes)
}

/// What stands between backticks is to be typed.
fn typed(text: &str) -> String {
    let mut parts = text.split('`');
    let mut written = parts.next().unwrap_or_default().to_owned();
    for (place, part) in parts.enumerate() {
        written.push_str(if place % 2 == 0 { "<code>" } else { "</code>" });
        written.push_str(part);
    }
    written
}

/// Nothing of the sentence comes from outside; should that change, it stays text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::headline::Tone;

    #[test]
    fn the_headline_is_in_the_page_as_text_and_no_place_is_left_open() {
        let headline = Headline {
            tone: Tone::Late,
            word: "Behind",
            sentence: "<script> & \"so\" on".into(),
            notes: vec!["type `a <b> c` now".into(), "none".into()],
        };
        let written = write(&headline);
        assert!(!written.contains("{{"), "a place is left open");
        assert!(written.contains("data-tone=\"late\""));
        assert!(written.contains("<h1 id=\"sentence\">&lt;script&gt; &amp; &quot;so&quot; on</h1>"));
        assert!(written.contains("<li>type <code>a &lt;b&gt; c</code> now</li><li>none</li>"));
    }

    #[test]
    fn what_the_page_asks_for_is_there_and_nothing_is_inline_or_elsewhere() {
        let all = FILES.iter().map(|(_, _, text)| *text).chain([PAGE]).collect::<String>();
        for (path, _, _) in FILES {
            assert!(all.contains(path.trim_start_matches('/')), "nothing loads {path}");
        }
        assert!(!PAGE.contains("<style") && !PAGE.contains(" style=") && !PAGE.contains(" on"), "inline");
        assert!(!PAGE.contains("<script>"), "inline");
        // The one address is a namespace, which is not fetched.
        let elsewhere = all.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !elsewhere.contains("http://") && !elsewhere.contains("https://") && !elsewhere.contains("//cdn")
        );
    }
}
