//! One SPEAK being spoken: what is still to be said, what is being synthesized, what has been played.
//!
//! Two utterances are under way at most: one that plays and one that is synthesized meanwhile. So the first audio comes
//! early, ten slow calls do not hold ten synthesis threads, and a stop throws little away.

use std::collections::VecDeque;

use media::{LegEvent, PlayoutOutcome, UtteranceId};
use speech::{DialogReplyUri, Language, Prosody, Segment};

use crate::output::{Progress, Utterance};

/// Utterances that are synthesized or played at the same time.
const UNDER_WAY_MAX: usize = 2;
/// Pieces of one SPEAK; `speech` bounds the body, this bounds a reply that does not end.
const PIECES_MAX: usize = 4_096;

/// How the voice of a SPEAK is chosen where its markup is silent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VoiceDefaults {
    pub(crate) language: Language,
    pub(crate) voice: Option<String>,
    pub(crate) prosody: Prosody,
}

/// What a prompt wants done, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PromptOutput {
    /// Synthesize and play.
    Synthesize { utterance: UtteranceId, what: Utterance },
    /// Play silence.
    Silence { utterance: UtteranceId, ms: u32 },
    /// Ask the conversation what to say.
    Attach(DialogReplyUri),
    /// So much of the conversation's reply has been played.
    Played(Progress),
    /// Playing has come to a mark.
    Mark(String),
    /// Everything has been played.
    Finished,
    /// It cannot go on: what plays is to be stopped.
    Failed { reason: String },
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Speak { what: Utterance, is_clause: bool },
    Silence { ms: u32 },
    Mark { name: String },
    Reply(DialogReplyUri),
}

#[derive(Debug, Clone, PartialEq)]
struct UnderWay {
    utterance: UtteranceId,
    is_clause: bool,
    /// Length of its audio, once that is complete.
    of_ms: Option<u64>,
    /// Marks that are passed when it has been played.
    marks: Vec<String>,
}

/// Where the conversation's part of the prompt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    /// No reply is being spoken: pieces come from the body.
    None,
    /// Clauses may still come; what follows in the body waits.
    Open,
}

/// The prompt of one SPEAK.
#[derive(Debug)]
pub(crate) struct Prompt {
    defaults: VoiceDefaults,
    /// From the body, in order.
    pieces: VecDeque<Piece>,
    /// Clauses of the open reply; they go before `pieces`.
    clauses: VecDeque<Piece>,
    reply: Reply,
    under_way: VecDeque<UnderWay>,
    next_utterance: u64,
    clauses_played: u32,
    clauses_played_ms: u64,
    is_over: bool,
    outputs: VecDeque<PromptOutput>,
}

impl Prompt {
    /// A prompt that speaks `segments`. Utterance ids count from `first_utterance`, which the leg has never seen.
    pub(crate) fn new(segments: Vec<Segment>, defaults: VoiceDefaults, first_utterance: u64) -> Self {
        let mut prompt = Self {
            defaults,
            pieces: VecDeque::new(),
            clauses: VecDeque::new(),
            reply: Reply::None,
            under_way: VecDeque::new(),
            next_utterance: first_utterance,
            clauses_played: 0,
            clauses_played_ms: 0,
            is_over: false,
            outputs: VecDeque::new(),
        };
        for segment in segments {
            prompt.push_segment(segment);
        }
        prompt.advance();
        prompt
    }

    /// Whether anything of it is being synthesized or played.
    pub(crate) fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// The id after the last one used.
    pub(crate) fn next_utterance(&self) -> u64 {
        self.next_utterance
    }

    /// Whether this prompt gave the id out and has not seen its end.
    pub(crate) fn owns(&self, utterance: UtteranceId) -> bool {
        self.under_way.iter().any(|under_way| under_way.utterance == utterance)
    }

    /// A clause of the reply.
    pub(crate) fn say(&mut self, text: String, language: Language, voice: Option<String>, cacheable: bool) {
        if self.is_over || self.reply == Reply::None {
            return;
        }
        if self.clauses.len() >= PIECES_MAX {
            self.fail("the reply has too many clauses");
            return;
        }
        let voice = voice.or_else(|| self.defaults.voice.clone());
        let what = Utterance { text, language, voice, prosody: self.defaults.prosody, cacheable };
        self.clauses.push_back(Piece::Speak { what, is_clause: true });
        self.advance();
    }

    /// The reply has no more clauses.
    pub(crate) fn reply_ended(&mut self) {
        self.reply = Reply::None;
        self.advance();
    }

    /// The audio of an utterance is complete, or will not be.
    pub(crate) fn synthesized(&mut self, utterance: UtteranceId, outcome: Result<u64, String>) {
        match outcome {
            Ok(length_ms) => {
                if let Some(under_way) = self.under_way.iter_mut().find(|under_way| under_way.utterance == utterance) {
                    under_way.of_ms = Some(length_ms);
                }
            }
            Err(reason) if self.owns(utterance) => self.fail(&reason),
            Err(_) => {}
        }
    }

    /// What the leg reports of one of this prompt's utterances.
    pub(crate) fn played(&mut self, event: LegEvent) {
        let LegEvent::PlayoutFinished { utterance, played_ms, outcome } = event else { return };
        let Some(at) = self.under_way.iter().position(|under_way| under_way.utterance == utterance) else { return };
        let Some(done) = self.under_way.remove(at) else { return };
        match outcome {
            PlayoutOutcome::Completed => {
                for name in done.marks {
                    self.outputs.push_back(PromptOutput::Mark(name));
                }
                if done.is_clause {
                    self.clauses_played += 1;
                    self.clauses_played_ms += played_ms;
                    self.outputs.push_back(PromptOutput::Played(self.progress(None)));
                }
                self.advance();
            }
            PlayoutOutcome::Failed => self.fail("audio could not be produced"),
            PlayoutOutcome::Stopped => {}
        }
    }

    /// How far the reply has come, with what the leg says of the utterance that plays now.
    pub(crate) fn progress(&self, playing: Option<(UtteranceId, u64)>) -> Progress {
        let partial = playing.and_then(|(utterance, played_ms)| {
            let now =
                self.under_way.iter().find(|under_way| under_way.utterance == utterance && under_way.is_clause)?;
            Some((played_ms, now.of_ms))
        });
        let (partial_ms, partial_of_ms) = partial.unwrap_or((0, None));
        let clamp = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        Progress {
            clauses: self.clauses_played,
            partial_ms: clamp(partial_ms),
            partial_of_ms: partial_of_ms.map(clamp),
            played_ms: clamp(self.clauses_played_ms + partial_ms),
        }
    }

    /// The next thing to do, until `None`.
    pub(crate) fn poll_output(&mut self) -> Option<PromptOutput> {
        self.outputs.pop_front()
    }

    fn push_segment(&mut self, segment: Segment) {
        match segment {
            Segment::Text { text, language, voice, gender: _, prosody } => {
                let language = language.unwrap_or(self.defaults.language);
                let prosody = self.defaults.prosody.and(prosody);
                for clause in speech::clauses(&text, language) {
                    let voice = voice.clone().or_else(|| self.defaults.voice.clone());
                    let what = Utterance { text: clause.to_owned(), language, voice, prosody, cacheable: true };
                    self.pieces.push_back(Piece::Speak { what, is_clause: false });
                }
            }
            Segment::Break { ms } => self.pieces.push_back(Piece::Silence { ms }),
            Segment::Mark { name } => self.pieces.push_back(Piece::Mark { name }),
            Segment::DialogReply(uri) => self.pieces.push_back(Piece::Reply(uri)),
            // Recordings are not fetched: SSML says to render the content of <audio> then.
            Segment::Audio { src, fallback } => {
                if fallback.is_empty() {
                    self.fail(&format!("audio is not fetched, and has no text in its place: {src}"));
                }
                for segment in fallback {
                    self.push_segment(segment);
                }
            }
        }
    }

    /// Starts what there is room for; finishes when nothing is left.
    fn advance(&mut self) {
        while !self.is_over && self.under_way.len() < UNDER_WAY_MAX {
            let piece = match self.clauses.pop_front() {
                Some(clause) => clause,
                None if self.reply == Reply::Open => return,
                None => match self.pieces.pop_front() {
                    Some(piece) => piece,
                    None if self.under_way.is_empty() => {
                        self.is_over = true;
                        self.outputs.push_back(PromptOutput::Finished);
                        return;
                    }
                    None => return,
                },
            };
            self.start(piece);
        }
    }

    fn start(&mut self, piece: Piece) {
        match piece {
            Piece::Speak { what, is_clause } => {
                let utterance = self.begin(is_clause, None);
                self.outputs.push_back(PromptOutput::Synthesize { utterance, what });
            }
            Piece::Silence { ms } => {
                let utterance = self.begin(false, Some(u64::from(ms)));
                self.outputs.push_back(PromptOutput::Silence { utterance, ms });
            }
            Piece::Mark { name } => match self.under_way.back_mut() {
                Some(before) => before.marks.push(name),
                None => self.outputs.push_back(PromptOutput::Mark(name)),
            },
            Piece::Reply(uri) => {
                self.reply = Reply::Open;
                self.outputs.push_back(PromptOutput::Attach(uri));
            }
        }
    }

    fn begin(&mut self, is_clause: bool, of_ms: Option<u64>) -> UtteranceId {
        let utterance = UtteranceId(self.next_utterance);
        self.next_utterance += 1;
        self.under_way.push_back(UnderWay { utterance, is_clause, of_ms, marks: Vec::new() });
        utterance
    }

    fn fail(&mut self, reason: &str) {
        if !self.is_over {
            self.is_over = true;
            self.outputs.push_back(PromptOutput::Failed { reason: reason.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> VoiceDefaults {
        VoiceDefaults { language: Language::English, voice: None, prosody: Prosody::default() }
    }

    fn text(words: &str) -> Segment {
        Segment::Text { text: words.to_owned(), language: None, voice: None, gender: None, prosody: Prosody::default() }
    }

    fn drain(prompt: &mut Prompt) -> Vec<PromptOutput> {
        std::iter::from_fn(|| prompt.poll_output()).collect()
    }

    fn finished(utterance: u64, played_ms: u64) -> LegEvent {
        LegEvent::PlayoutFinished { utterance: UtteranceId(utterance), played_ms, outcome: PlayoutOutcome::Completed }
    }

    fn started(outputs: &[PromptOutput]) -> Vec<u64> {
        outputs
            .iter()
            .filter_map(|output| match output {
                PromptOutput::Synthesize { utterance, .. } | PromptOutput::Silence { utterance, .. } => {
                    Some(utterance.0)
                }
                _ => None,
            })
            .collect()
    }

    #[test]
    fn two_utterances_are_under_way_and_the_next_starts_when_one_has_been_played() {
        let mut prompt = Prompt::new(vec![text("One."), text("Two."), text("Three.")], defaults(), 7);
        assert_eq!(started(&drain(&mut prompt)), [7, 8]);
        prompt.played(finished(7, 500));
        assert_eq!(started(&drain(&mut prompt)), [9]);
        prompt.played(finished(8, 500));
        assert_eq!(drain(&mut prompt), []);
        prompt.played(finished(9, 500));
        assert_eq!(drain(&mut prompt), [PromptOutput::Finished]);
    }

    #[test]
    fn nothing_to_say_is_finished_at_once() {
        let mut prompt = Prompt::new(Vec::new(), defaults(), 0);
        assert_eq!(drain(&mut prompt), [PromptOutput::Finished]);
    }

    #[test]
    fn a_mark_is_passed_when_what_stands_before_it_has_been_played() {
        let mark = Segment::Mark { name: "here".to_owned() };
        let mut prompt = Prompt::new(vec![text("One."), mark, text("Two.")], defaults(), 0);
        assert_eq!(started(&drain(&mut prompt)), [0, 1]);
        prompt.played(finished(0, 10));
        assert_eq!(drain(&mut prompt), [PromptOutput::Mark("here".to_owned())]);
    }

    #[test]
    fn clauses_of_a_reply_are_spoken_as_they_come_and_what_follows_waits_for_its_end() {
        let reply = Segment::DialogReply(DialogReplyUri::default());
        let mut prompt = Prompt::new(vec![reply, text("After.")], defaults(), 0);
        assert_eq!(drain(&mut prompt), [PromptOutput::Attach(DialogReplyUri::default())]);
        prompt.say("Hello.".to_owned(), Language::English, None, true);
        assert_eq!(started(&drain(&mut prompt)), [0]);
        prompt.played(finished(0, 700));
        let outputs = drain(&mut prompt);
        assert_eq!(
            outputs,
            [PromptOutput::Played(Progress { clauses: 1, partial_ms: 0, partial_of_ms: None, played_ms: 700 })]
        );
        prompt.reply_ended();
        assert_eq!(started(&drain(&mut prompt)), [1]);
        prompt.played(finished(1, 10));
        assert_eq!(drain(&mut prompt), [PromptOutput::Finished]);
    }

    #[test]
    fn an_interruption_knows_how_much_of_the_clause_was_heard() {
        let mut prompt = Prompt::new(vec![Segment::DialogReply(DialogReplyUri::default())], defaults(), 0);
        prompt.say("First.".to_owned(), Language::English, None, true);
        prompt.say("Second.".to_owned(), Language::English, None, true);
        prompt.played(finished(0, 700));
        prompt.synthesized(UtteranceId(1), Ok(900));
        assert_eq!(
            prompt.progress(Some((UtteranceId(1), 300))),
            Progress { clauses: 1, partial_ms: 300, partial_of_ms: Some(900), played_ms: 1000 }
        );
    }

    #[test]
    fn a_failed_synthesis_fails_the_prompt_once_and_a_late_one_does_not() {
        let mut prompt = Prompt::new(vec![text("One."), text("Two.")], defaults(), 0);
        drain(&mut prompt);
        prompt.synthesized(UtteranceId(5), Err("not mine".to_owned()));
        assert_eq!(drain(&mut prompt), []);
        prompt.synthesized(UtteranceId(0), Err("no voice".to_owned()));
        prompt.synthesized(UtteranceId(1), Err("no voice".to_owned()));
        assert_eq!(drain(&mut prompt), [PromptOutput::Failed { reason: "no voice".to_owned() }]);
    }

    #[test]
    fn audio_without_text_in_its_place_fails_and_with_text_is_spoken() {
        let audio = |fallback| Segment::Audio { src: "http://x/a.wav".to_owned(), fallback };
        let mut prompt = Prompt::new(vec![audio(Vec::new())], defaults(), 0);
        assert!(matches!(drain(&mut prompt).as_slice(), [PromptOutput::Failed { .. }]));
        let mut prompt = Prompt::new(vec![audio(vec![text("Instead.")])], defaults(), 0);
        assert_eq!(started(&drain(&mut prompt)), [0]);
    }
}
