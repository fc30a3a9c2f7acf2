//! What one SPEAK says, piece by piece, and where in it a jump lands.

use speech::{DialogReplyUri, Prosody};

use crate::fetching::FetchKey;
use crate::output::Utterance;

/// Milliseconds that a character takes to speak, for pieces that were never synthesized: of an alphabet, and of Han.
const MS_PER_LETTER: u64 = 70;
const MS_PER_HAN: u64 = 220;

/// The pieces of a body, in the order of speaking. They stay: a jump may come back to them.
#[derive(Debug)]
pub(super) struct Script {
    pieces: Vec<Piece>,
    rate_hz: u32,
}

/// One piece of a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Words. `own` is what the markup says of their prosody, apart from the request's.
    Speak { what: Utterance, own: Prosody, length: Length },
    /// A pause.
    Silence { samples: u64 },
    /// A recording that is ready.
    Recording { key: FetchKey, samples: u64 },
    /// A place with a name.
    Mark { name: String },
    /// Whatever the conversation says.
    Reply(DialogReplyUri),
}

impl Piece {
    /// Whether it takes time.
    pub(super) fn sounds(&self) -> bool {
        match self {
            Self::Speak { .. } | Self::Silence { .. } | Self::Recording { .. } => true,
            Self::Mark { .. } | Self::Reply(_) => false,
        }
    }
}

/// What is known of the length of a piece, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// It was never synthesized.
    Unknown,
    /// Synthesized in another prosody than now.
    About(u64),
    /// Synthesized as it is.
    Exactly(u64),
}

/// A place in a script: a piece, and samples from its beginning. The beginning is the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) piece: usize,
    pub(super) samples: u64,
}

impl Script {
    pub(super) fn new(pieces: Vec<Piece>, rate_hz: u32) -> Self {
        Self { pieces, rate_hz }
    }

    pub(super) fn piece(&self, index: usize) -> Option<&Piece> {
        self.pieces.get(index)
    }

    /// Where the mark of that name is; the first, when there are several.
    pub(super) fn mark(&self, wanted: &str) -> Option<Position> {
        let is_it = |piece: &Piece| matches!(piece, Piece::Mark { name } if name == wanted);
        self.pieces.iter().position(is_it).map(|piece| Position { piece, samples: 0 })
    }

    /// Whether part of it comes from a conversation, and so cannot be gone back to.
    pub(super) fn has_reply(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Reply(_)))
    }

    /// A piece was synthesized to its end.
    pub(super) fn learn(&mut self, index: usize, samples: u64) {
        if let Some(Piece::Speak { length, .. }) = self.pieces.get_mut(index) {
            *length = Length::Exactly(samples);
        }
    }

    /// The length of a piece, where it is known for sure.
    pub(super) fn exact_length(&self, index: usize) -> Option<u64> {
        match self.pieces.get(index)? {
            Piece::Speak { length: Length::Exactly(samples), .. }
            | Piece::Silence { samples }
            | Piece::Recording { samples, .. } => Some(*samples),
            Piece::Speak { length: Length::Unknown | Length::About(_), .. } => None,
            Piece::Mark { .. } | Piece::Reply(_) => Some(0),
        }
    }

    /// The place `samples` before `from`; `None` when that is the beginning, or before it.
    pub(super) fn back(&self, from: Position, samples: u64) -> Option<Position> {
        let mut left = samples;
        let mut at = from;
        loop {
            if at.samples > left {
                return Some(Position { samples: at.samples - left, ..at });
            }
            left -= at.samples;
            let piece = at.piece.checked_sub(1)?;
            at = Position { piece, samples: self.likely_length(piece) };
            if left == 0 && at.samples > 0 {
                return Some(Position { piece: piece + 1, samples: 0 });
            }
        }
    }

    /// Speaks everything in another prosody from now on; gives the same place in it.
    pub(super) fn set_prosody(&mut self, from: Prosody, to: Prosody, at: Position) -> Position {
        for piece in &mut self.pieces {
            if let Piece::Speak { what, own, length } = piece {
                what.prosody = to.and(*own);
                *length = match *length {
                    Length::Unknown => Length::Unknown,
                    Length::About(samples) | Length::Exactly(samples) => Length::About(scaled(samples, from, to)),
                };
            }
        }
        match self.pieces.get(at.piece) {
            Some(Piece::Speak { .. }) => Position { samples: scaled(at.samples, from, to), ..at },
            Some(Piece::Silence { .. } | Piece::Recording { .. } | Piece::Mark { .. } | Piece::Reply(_)) | None => at,
        }
    }

    fn likely_length(&self, index: usize) -> u64 {
        match self.pieces.get(index) {
            Some(Piece::Speak { length: Length::About(samples) | Length::Exactly(samples), .. }) => *samples,
            Some(Piece::Speak { what, length: Length::Unknown, .. }) => {
                let ms: u64 = what.text.chars().map(|c| if c.is_ascii() { MS_PER_LETTER } else { MS_PER_HAN }).sum();
                ms * u64::from(self.rate_hz) / 1000
            }
            Some(Piece::Silence { samples } | Piece::Recording { samples, .. }) => *samples,
            Some(Piece::Mark { .. } | Piece::Reply(_)) | None => 0,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a length of speech is far below 2^52 samples, and a cast to integer saturates"
)]
fn scaled(samples: u64, from: Prosody, to: Prosody) -> u64 {
    let factor = f64::from(from.rate) / f64::from(to.rate);
    (samples as f64 * factor).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(lengths: &[u64]) -> Script {
        Script::new(lengths.iter().map(|samples| Piece::Silence { samples: *samples }).collect(), 8000)
    }

    fn at(piece: usize, samples: u64) -> Position {
        Position { piece, samples }
    }

    #[test]
    fn going_back_crosses_pieces_to_the_sample() {
        let script = script(&[100, 0, 50, 200]);
        assert_eq!(script.back(at(3, 80), 30), Some(at(3, 50)));
        assert_eq!(script.back(at(3, 80), 80), Some(at(3, 0)));
        assert_eq!(script.back(at(3, 80), 90), Some(at(2, 40)));
        assert_eq!(script.back(at(3, 80), 180), Some(at(0, 50)));
        assert_eq!(script.back(at(3, 80), 229), Some(at(0, 1)));
        assert_eq!(script.back(at(3, 80), 230), None);
        assert_eq!(script.back(at(3, 80), u64::MAX), None);
        assert_eq!(script.back(at(0, 0), 0), None);
    }
}
