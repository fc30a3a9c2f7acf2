//! Bytes read as operations and their operands.

/// Reads operands until the bytes are used up; missing ones are zero.
pub(super) struct Operations<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Operations<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.iter() }
    }

    /// The next operation, below `count`; `None` when the bytes are used up.
    pub(super) fn next(&mut self, count: u8) -> Option<u8> {
        self.bytes.next().map(|byte| byte % count)
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }
}
