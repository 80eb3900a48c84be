//! The lines of a file, one after the other. A line may be of any length; no more of it is held than could be a
//! confirmation.

use std::io;

use domain::body::MAX_BYTES;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// One line.
pub(super) struct Line<'a> {
    /// As a person counts.
    pub(super) number: u64,
    /// Without its end; only the beginning of one that is too long.
    pub(super) bytes: &'a [u8],
    /// Longer than any confirmation can be.
    pub(super) too_long: bool,
    /// The file ends here, in the middle of the line for all that is known.
    pub(super) unfinished: bool,
}

/// Reads lines.
pub(super) struct Lines<R> {
    reader: R,
    held: Vec<u8>,
    number: u64,
    offset: u64,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The lines of `reader`, which stands at the beginning of its file.
    pub(super) fn new(reader: R) -> Self {
        Self { reader, held: Vec::new(), number: 0, offset: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// How many lines have been read.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end of the file.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.held.clear();
        let mut length = 0;
        let unfinished = loop {
            let read = self.reader.fill_buf().await?;
            if read.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break true;
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
            // One more than there may be: of the line's end.
            let room = (MAX_BYTES + 1).saturating_sub(self.held.len());
            self.held.extend_from_slice(part.get(..room).unwrap_or(part));
            length += part.len();
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            self.offset += u64::try_from(used).unwrap_or(u64::MAX);
            if end.is_some() {
                break false;
            }
        };
        self.number += 1;
        let bytes = self.held.strip_suffix(b"\r").unwrap_or(&self.held);
        let cut = self.held.len() - bytes.len();
        Ok(Some(Line { number: self.number, bytes, too_long: length - cut > MAX_BYTES, unfinished }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    /// Numbers, texts, and the offset after each, read in pieces of so many bytes.
    async fn read(text: &[u8], piece: usize) -> Vec<(u64, Vec<u8>, bool, bool, u64)> {
        let mut lines = Lines::new(BufReader::with_capacity(piece, text));
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            let (number, bytes) = (line.number, line.bytes.to_vec());
            let (too_long, unfinished) = (line.too_long, line.unfinished);
            all.push((number, bytes, too_long, unfinished, lines.offset()));
        }
        all
    }

    #[tokio::test]
    async fn lines_end_where_they_end_in_whatever_pieces_they_come() {
        let text = b"one\r\n\ntwo\xff\n\r\nthree";
        let expected = [
            (1, b"one".to_vec(), false, false, 5),
            (2, b"".to_vec(), false, false, 6),
            (3, b"two\xff".to_vec(), false, false, 11),
            (4, b"".to_vec(), false, false, 13),
            (5, b"three".to_vec(), false, true, 18),
        ];
        for piece in [1, 2, 3, 7, 100] {
            assert_eq!(read(text, piece).await, expected, "{piece}");
        }
        assert!(read(b"", 8).await.is_empty());
    }

    #[tokio::test]
    async fn no_more_of_a_line_is_held_than_could_be_a_confirmation() {
        let longest = vec![b'a'; MAX_BYTES];
        let mut text = longest.clone();
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&longest);
        text.extend_from_slice(b"b\n");
        text.extend_from_slice(&longest.repeat(8));
        text.extend_from_slice(b"\nend\n");
        let mut lines = Lines::new(BufReader::with_capacity(1000, &text[..]));
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            assert!(line.bytes.len() <= MAX_BYTES + 1);
            seen.push((line.number, line.too_long));
        }
        assert_eq!(seen, [(1, false), (2, true), (3, true), (4, false)]);
        assert_eq!(lines.offset(), text.len() as u64);
        assert!(lines.held.capacity() < 4 * MAX_BYTES, "{}", lines.held.capacity());
    }
}
