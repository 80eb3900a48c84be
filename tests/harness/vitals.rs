//! What the kernel says of a process while it lives (Linux's `/proc`): memory, open files, threads. Of a
//! process that has ended it says nothing, and so do these.

use std::fs;

/// The memory it has now, in bytes.
pub fn resident(id: u32) -> Option<u64> {
    status(id, "VmRSS").and_then(bytes)
}

/// The most memory it has had, in bytes.
pub fn high_water(id: u32) -> Option<u64> {
    status(id, "VmHWM").and_then(bytes)
}

/// How many threads it has.
pub fn threads(id: u32) -> Option<u64> {
    status(id, "Threads")?.parse().ok()
}

/// How many files it has open, sockets included.
pub fn open_files(id: u32) -> Option<u64> {
    Some(fs::read_dir(format!("/proc/{id}/fd")).ok()?.count() as u64)
}

fn status(id: u32, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

#[allow(clippy::needless_pass_by_value, reason = "the end of a chain")]
fn bytes(text: String) -> Option<u64> {
    Some(text.strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_files_and_threads_and_one_that_is_gone_has_none() {
        let this = std::process::id();
        let (now, most) = (resident(this).unwrap(), high_water(this).unwrap());
        assert!(now > 1024 * 1024 && most >= now, "{now} {most}");
        let before = open_files(this).unwrap();
        let held: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/status").unwrap()).collect();
        // Other tests open and close files meanwhile; fifty are not mistaken for theirs.
        assert!(open_files(this).unwrap() >= before + held.len() as u64 / 2);
        assert!(threads(this).unwrap() >= 1);
        assert_eq!((resident(0), open_files(0), threads(0)), (None, None, None));
    }
}
