use std::{fmt, time::Instant};

use speech::{Hypothesis, Language};

/// Names one turn of a conversation: 0 is the greeting, then rising by one with each thing that the caller does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnId(pub u32);

impl TurnId {
    /// The greeting.
    pub const GREETING: Self = Self(0);

    /// The turn after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names one SPEAK of `dialog:reply`. Chosen by the shell, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpeakerKey(pub u64);

/// Names one RECOGNIZE of `builtin:speech/dialog`. Chosen by the shell, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerKey(pub u64);

/// What the PBX said about the call: from query parameters of the dialog URIs and from vendor-specific parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallDetails {
    /// The language to begin in.
    pub language: Option<Language>,
    /// The flow to follow.
    pub flow: Option<String>,
    /// Call variables; a later one of the same name wins.
    pub variables: Vec<(String, String)>,
    /// The caller's number.
    pub caller_number: Option<String>,
    /// The number that was called.
    pub called_number: Option<String>,
}

/// What the caller did, as one RECOGNIZE heard it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallerTurn {
    /// What the caller did.
    pub input: CallerInput,
    /// When speech (or the first digit) began.
    pub speech_started: Option<Instant>,
    /// When speech (or the last digit) ended.
    pub speech_ended: Option<Instant>,
}

/// What the caller did.
#[derive(Debug, Clone, PartialEq)]
pub enum CallerInput {
    /// Said something; best hypothesis first. Without a hypothesis that has words it counts as [`CallerInput::NoMatch`].
    Speech(Vec<Hypothesis>),
    /// Keyed digits.
    Dtmf(String),
    /// Said nothing in time.
    NoInput,
    /// Spoke, but could not be understood; the hypotheses are unreliable.
    NoMatch(Vec<Hypothesis>),
}

/// The kind of a caller's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TurnKind {
    /// Something was said.
    Speech,
    /// Digits were keyed.
    Dtmf,
    /// Silence.
    NoInput,
    /// Something that could not be understood.
    NoMatch,
}

impl CallerInput {
    /// The kind of turn that this is.
    pub fn kind(&self) -> TurnKind {
        match self {
            Self::Speech(hypotheses) if hypotheses.first().is_some_and(|best| !best.text.trim().is_empty()) => {
                TurnKind::Speech
            }
            Self::Speech(_) | Self::NoMatch(_) => TurnKind::NoMatch,
            Self::Dtmf(_) => TurnKind::Dtmf,
            Self::NoInput => TurnKind::NoInput,
        }
    }

    /// All hypotheses, best first; none for digits and silence.
    pub fn hypotheses(&self) -> &[Hypothesis] {
        match self {
            Self::Speech(hypotheses) | Self::NoMatch(hypotheses) => hypotheses,
            Self::Dtmf(_) | Self::NoInput => &[],
        }
    }

    /// The words or digits, empty for silence.
    pub fn transcript(&self) -> &str {
        match self {
            Self::Dtmf(digits) => digits,
            Self::Speech(_) | Self::NoMatch(_) | Self::NoInput => {
                self.hypotheses().first().map_or("", |best| best.text.as_str())
            }
        }
    }

    /// Confidence of the transcript, 0 to 1; digits are certain.
    pub fn confidence(&self) -> f32 {
        match self {
            Self::Dtmf(_) => 1.0,
            Self::Speech(_) | Self::NoMatch(_) | Self::NoInput => {
                self.hypotheses().first().map_or(0.0, |best| best.confidence)
            }
        }
    }
}

/// How far the playout of one SPEAK has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Clauses played to their end.
    pub clauses: u32,
    /// How much of the next clause was played.
    pub partial_ms: u32,
    /// How long that clause is in all, when its audio is complete.
    pub partial_of_ms: Option<u32>,
    /// Everything that was played of this SPEAK.
    pub played_ms: u32,
}

/// What of a reply reached the caller's ear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The turn whose reply it is.
    pub turn: TurnId,
    /// The words, cut at a word.
    pub text: String,
    /// The whole reply was played.
    pub complete: bool,
    /// How much was played.
    pub played_ms: u32,
}
