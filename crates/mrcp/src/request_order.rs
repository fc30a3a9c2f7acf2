//! Request identifiers must increase (RFC 6787 §5.2).

use crate::RequestId;

/// Remembers the highest identifier: of a session, or of one channel where clients number each by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestOrder {
    last: Option<RequestId>,
}

impl RequestOrder {
    /// Takes the next identifier. `false` when it is not above all before it: the request is answered 410. Gaps are legal,
    /// and after the last 32-bit number every identifier is refused: the space does not wrap.
    pub fn accept(&mut self, id: RequestId) -> bool {
        let increases = self.last.is_none_or(|last| id > last);
        if increases {
            self.last = Some(id);
        }
        increases
    }
}
