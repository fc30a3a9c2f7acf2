//! What is said and what is heard, without I/O: languages, grammars and how hypotheses match them, NLSML results,
//! SSML and plain text as [`Segment`]s to be spoken, dialog URIs, and the splitting of text into clauses.
//!
//! Everything here is a pure function of its arguments or a small value; nothing reads a clock, a file or the network,
//! and nothing that a peer sends makes it panic. Inputs are bounded: a document over its limit is an error, never work.
//!
//! A recognition runs like this: the session compiles each grammar that a RECOGNIZE names with [`Grammar::from_uri`] or
//! [`Grammar::from_body`], gives what the engine heard to [`match_all`] (and what was keyed to [`match_all_dtmf`]), and
//! writes the matches with [`nlsml::write()`]. A SPEAK runs through [`segments`].

mod answer;
mod builtin;
mod calendar;
mod clause;
mod clips;
mod dialog;
mod encoding;
mod grammar;
mod hypothesis;
mod language;
mod lexicon;
mod phoneme;
mod prosody;
mod query;
mod result_format;
mod say_as;
mod segment;
mod sisr;
mod sound;
mod spelling;
mod spoken_digits;
mod ssml;
mod text;
mod xml;

pub mod emma;
pub mod fuzz;
pub mod nlsml;
pub mod number;

pub use answer::yes_no;
pub use calendar::Calendar;
pub use clause::{ClauseLimits, ClauseSplitter, clauses};
pub use clips::{clip_text, clip_vocabulary, clip_words};
pub use dialog::{DialogGrammar, DialogReplyUri, DialogUriError, TurnResult};
pub use grammar::{
    DtmfMatch, DtmfMatches, FetchedGrammar, Grammar, GrammarDocument, GrammarError, GrammarErrorKind, GrammarLimits,
    GrammarLoader, GrammarRef, GrammarSource, HeardWord, InputMode, Instance, Match, ParseNode, ParseTree, Phrase,
    Position, Progress, RuleInstance, RuleSummary, Utterance, match_all, match_all_dtmf,
};
pub use hypothesis::Hypothesis;
pub use jiff::civil::{Date, DateTime};
pub use language::Language;
pub use lexicon::{Lexicon, LexiconError, pronounce};
pub use prosody::Prosody;
pub use result_format::{RecognitionResult, ResultFormat};
pub use segment::{
    Gender, Segment, SpeechDocument, SpeechMarkupError, SpeechMarkupErrorKind, basic_document, document, segments,
};
pub use sisr::{SemanticsError, SemanticsErrorKind, TagFormat, check as check_tags, interpret};
pub use spoken_digits::digits;
pub use text::normalize;
