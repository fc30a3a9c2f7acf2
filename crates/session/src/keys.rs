//! Names that a session gives out.

use crate::output::PartKey;

/// Gives every part that the session plays in a conversation a name of its own.
#[derive(Debug, Default)]
pub(crate) struct PartKeys(u32);

impl PartKeys {
    pub(crate) fn next(&mut self) -> PartKey {
        self.0 = self.0.wrapping_add(1);
        PartKey(self.0)
    }
}
