//! Where a trace goes: anything that takes bytes, until it takes no more.

use std::io::{self, Write};

/// Takes texts, and keeps the first error.
#[derive(Debug)]
pub struct Out<W> {
    to: W,
    failed: Option<io::Error>,
}

impl<W: Write> Out<W> {
    pub fn new(to: W) -> Self {
        Self { to, failed: None }
    }

    /// Writes, unless a write has failed.
    pub fn text(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = self.to.write_all(text.as_bytes()).err();
        }
    }

    /// Something else has failed.
    pub fn fail(&mut self, error: io::Error) {
        self.failed.get_or_insert(error);
    }

    /// Whether anything written now would be lost.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Nothing follows.
    pub fn finish(mut self) -> (W, io::Result<()>) {
        let result = match self.failed {
            Some(error) => Err(error),
            None => self.to.flush(),
        };
        (self.to, result)
    }
}

/// What writes as others do learns of no error here: the first is kept.
impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_none() {
            self.failed = self.to.write_all(bytes).err();
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `text` as a JSON string, quotes included.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes.
    struct Small(Vec<u8>);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fit = bytes.len().min(3 - self.0.len());
            self.0.extend(&bytes[..fit]);
            match fit {
                0 => Err(io::ErrorKind::StorageFull.into()),
                fit => Ok(fit),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_is_written_after_an_error() {
        let mut out = Out::new(Small(Vec::new()));
        out.text("ab");
        assert!(!out.has_failed());
        out.text("cd");
        out.text("e");
        assert!(out.has_failed());
        let (small, result) = out.finish();
        assert_eq!(
            (small.0.as_slice(), result.unwrap_err().kind()),
            (&b"abc"[..], io::ErrorKind::StorageFull)
        );
    }
}
