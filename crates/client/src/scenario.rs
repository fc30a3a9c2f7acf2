//! Scenario files: a robot call as a dialplan and a caller would go through it.
//!
//! ```yaml
//! name: Follow-up survey, all well
//! flow: follow-up              # dialog flow to start
//! language: en                 # optional: en, zh …
//! variables: {name: Ms. Lee}   # call variables
//! turns:                       # what the caller does after each thing the robot says
//!   - robot: (?i)good time     # regular expression on what the robot said before this turn
//!     say: audio/yes.wav       # relative to the scenario file
//!     heard: (?i)yes           # regular expression on the transcript
//!     action: continue         # action in the result
//!     slots: {consent: true}   # slots in the result
//!   - dtmf: "6#"
//!   - silence: true
//!   - say: audio/wait.wav
//!     interrupt_after_ms: 800  # speaks into the prompt
//!   - say: [audio/no.wav, {pause_ms: 900}, audio/yes.wav]  # hesitates, or changes their mind
//!     prompt_stopped: false    # the prompt before this turn was played to its end
//!     meanwhile: {after_ms: 500, sound: [{cough: true}, {pause_ms: 300}, {noise_ms: 200, dbfs: -25}]}
//!   - hang_up: true
//! finally:                     # after the last turn
//!   robot: (?i)goodbye
//!   action: hangup
//!   slots: {pain: 6}
//! ```

use std::path::Path;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::caller_sound::{RawSound, SoundPart, files};
use crate::error::CallError;

/// Turns of a scenario.
const TURNS_MAX: usize = 200;

/// Pause before the caller answers, in milliseconds, as people make it.
const REACTION_MS: u32 = 400;

/// A scenario that can be run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is, for the report.
    pub name: String,
    /// The flow to start; `None`: the server's default.
    pub flow: Option<String>,
    /// The language to speak and listen for.
    pub language: Option<String>,
    /// The conversation id; `None`: a new one for each run.
    pub conversation: Option<String>,
    /// Call variables, in order.
    pub variables: Vec<(String, String)>,
    /// Pause between the robot's prompt and the caller's answer, in milliseconds.
    pub reaction_ms: u32,
    /// `No-Input-Timeout` of each RECOGNIZE, in milliseconds; `None`: the server's default.
    pub no_input_timeout_ms: Option<u32>,
    /// What the caller does, in order.
    pub turns: Vec<Turn>,
    /// What must hold at the end.
    pub finally: Expectation,
}

/// What the caller does after the robot has spoken.
#[derive(Debug, Clone)]
pub struct Turn {
    /// What it does.
    pub act: CallerAct,
    /// Speaks this long after the first packet of the prompt, instead of waiting for its end.
    pub interrupt_after_ms: Option<u32>,
    /// What is heard of the caller while the prompt plays, before the turn.
    pub meanwhile: Option<Meanwhile>,
    /// What must hold for the prompt before it and for its result.
    pub expected: Expectation,
}

/// Sounds of the caller that are no turn: a cough, an "uh-huh", noise around them.
#[derive(Debug, Clone, PartialEq)]
pub struct Meanwhile {
    /// After the first packet of the prompt, in milliseconds.
    pub after_ms: u32,
    /// What is heard.
    pub sound: Vec<SoundPart>,
}

/// What a caller can do.
#[derive(Debug, Clone, PartialEq)]
pub enum CallerAct {
    /// Says this, with pauses and noises.
    Say(Vec<SoundPart>),
    /// Presses keys.
    Dtmf(String),
    /// Says nothing, until the server gives up waiting.
    Silence,
    /// Hangs up.
    HangUp,
}

/// What must hold. What is absent may be anything.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// What the robot said must match.
    pub robot: Option<Regex>,
    /// The transcript must match.
    pub heard: Option<Regex>,
    /// The action must be this.
    pub action: Option<String>,
    /// These slots must have these values; others may be there.
    pub slots: Map<String, Value>,
    /// Whether the prompt must have been stopped by the caller.
    pub prompt_stopped: Option<bool>,
}

/// What happened in one round, to be compared with what was expected.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen<'a> {
    /// What the robot said, if the server told.
    pub robot: Option<&'a str>,
    /// The transcript.
    pub heard: Option<&'a str>,
    /// The action.
    pub action: Option<&'a str>,
    /// The slots.
    pub slots: Option<&'a Map<String, Value>>,
    /// Whether the prompt was stopped by the caller.
    pub prompt_stopped: bool,
}

impl Expectation {
    /// What is not as expected, in sentences; empty when all is well.
    pub fn differences(&self, seen: &Seen<'_>) -> Vec<String> {
        let mut differences = Vec::new();
        let mut matches = |what: &str, pattern: &Option<Regex>, text: Option<&str>| {
            let Some(pattern) = pattern else { return };
            match text {
                Some(text) if pattern.is_match(text) => {}
                Some(text) => differences.push(format!("{what} {text:?} does not match /{pattern}/")),
                None => differences.push(format!("{what} is not known, /{pattern}/ was expected")),
            }
        };
        matches("what the robot said,", &self.robot, seen.robot);
        matches("what was heard,", &self.heard, seen.heard);
        if let Some(wanted) = &self.action
            && seen.action != Some(wanted)
        {
            differences.push(format!("the action is {}, {wanted} was expected", seen.action.unwrap_or("not known")));
        }
        match self.prompt_stopped {
            Some(true) if !seen.prompt_stopped => differences.push("the prompt was not stopped".to_owned()),
            Some(false) if seen.prompt_stopped => differences.push("the prompt was stopped".to_owned()),
            Some(_) | None => {}
        }
        for (name, wanted) in &self.slots {
            let value = seen.slots.and_then(|slots| slots.get(name));
            if value.is_none_or(|value| !is_same(value, wanted)) {
                let value = value.map_or_else(|| "not there".to_owned(), Value::to_string);
                differences.push(format!("slot {name} is {value}, {wanted} was expected"));
            }
        }
        differences
    }
}

/// Equal, or equal as written: an instance in XML has only text.
fn is_same(value: &Value, wanted: &Value) -> bool {
    let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    value == wanted
        || written(value) == written(wanted)
        || number(value).zip(number(wanted)).is_some_and(|(value, wanted)| value == wanted)
}

impl Scenario {
    /// Reads a scenario file. Audio files must exist; their paths are relative to it.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it is wrong.
    pub fn load(path: &Path) -> Result<Self, CallError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| CallError::File { path: name.clone(), source })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let scenario =
            Self::parse(&text, folder).map_err(|reason| CallError::Scenario { path: name.clone(), reason })?;
        let said = scenario.turns.iter().flat_map(|turn| match &turn.act {
            CallerAct::Say(parts) => parts.as_slice(),
            CallerAct::Dtmf(_) | CallerAct::Silence | CallerAct::HangUp => &[],
        });
        let meanwhile = scenario.turns.iter().filter_map(|turn| turn.meanwhile.as_ref()).flat_map(|aside| &aside.sound);
        let parts: Vec<SoundPart> = said.chain(meanwhile).cloned().collect();
        if let Some(file) = files(&parts).find(|file| !file.is_file()) {
            let reason = format!("{} does not exist", file.display());
            return Err(CallError::Scenario { path: name, reason });
        }
        Ok(scenario)
    }

    /// Reads a scenario from text; audio files are in `folder`.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and where.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let raw: RawScenario = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if raw.turns.len() > TURNS_MAX {
            return Err(format!("{} turns, {TURNS_MAX} are allowed", raw.turns.len()));
        }
        let turns = raw
            .turns
            .into_iter()
            .enumerate()
            .map(|(index, turn)| turn.check(folder).map_err(|reason| format!("turn {}: {reason}", index + 1)))
            .collect::<Result<_, _>>()?;
        let variables = raw.variables.into_iter().map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name, value)
        });
        Ok(Self {
            name: raw.name,
            flow: raw.flow,
            language: raw.language,
            conversation: raw.conversation,
            variables: variables.collect(),
            reaction_ms: raw.reaction_ms.unwrap_or(REACTION_MS),
            no_input_timeout_ms: raw.no_input_timeout_ms,
            turns,
            finally: raw.finally.unwrap_or_default().check().map_err(|reason| format!("finally: {reason}"))?,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScenario {
    name: String,
    flow: Option<String>,
    language: Option<String>,
    conversation: Option<String>,
    #[serde(default)]
    variables: Map<String, Value>,
    reaction_ms: Option<u32>,
    no_input_timeout_ms: Option<u32>,
    #[serde(default)]
    turns: Vec<RawTurn>,
    finally: Option<RawExpectation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTurn {
    robot: Option<String>,
    say: Option<RawSound>,
    meanwhile: Option<RawMeanwhile>,
    prompt_stopped: Option<bool>,
    dtmf: Option<String>,
    #[serde(default)]
    silence: bool,
    #[serde(default)]
    hang_up: bool,
    interrupt_after_ms: Option<u32>,
    heard: Option<String>,
    action: Option<String>,
    #[serde(default)]
    slots: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMeanwhile {
    #[serde(default)]
    after_ms: u32,
    sound: RawSound,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpectation {
    robot: Option<String>,
    heard: Option<String>,
    action: Option<String>,
    #[serde(default)]
    slots: Map<String, Value>,
    prompt_stopped: Option<bool>,
}

impl RawTurn {
    fn check(self, folder: &Path) -> Result<Turn, String> {
        let act = match (self.say, self.dtmf, self.silence, self.hang_up) {
            (Some(file), None, false, false) => CallerAct::Say(file.check(folder)?),
            (None, Some(digits), false, false) => {
                if let Some(key) = digits.chars().find(|key| media::DtmfDigit::from_char(*key).is_none()) {
                    return Err(format!("{key:?} is no key of a telephone"));
                }
                CallerAct::Dtmf(digits)
            }
            (None, None, true, false) => CallerAct::Silence,
            (None, None, false, true) => CallerAct::HangUp,
            _ => return Err("exactly one of say, dtmf, silence and hang_up is wanted".to_owned()),
        };
        let (robot, heard, action, slots, prompt_stopped) =
            (self.robot, self.heard, self.action, self.slots, self.prompt_stopped);
        let expected = RawExpectation { robot, heard, action, slots, prompt_stopped }.check()?;
        let meanwhile = self
            .meanwhile
            .map(|aside| Ok::<_, String>(Meanwhile { after_ms: aside.after_ms, sound: aside.sound.check(folder)? }));
        if self.interrupt_after_ms.is_some() && meanwhile.is_some() {
            return Err("a turn has interrupt_after_ms or meanwhile, not both".to_owned());
        }
        Ok(Turn { act, interrupt_after_ms: self.interrupt_after_ms, meanwhile: meanwhile.transpose()?, expected })
    }
}

impl RawExpectation {
    fn check(self) -> Result<Expectation, String> {
        let pattern = |text: Option<String>| {
            text.map(|text| Regex::new(&text).map_err(|error| format!("/{text}/: {error}"))).transpose()
        };
        Ok(Expectation {
            robot: pattern(self.robot)?,
            heard: pattern(self.heard)?,
            action: self.action,
            slots: self.slots,
            prompt_stopped: self.prompt_stopped,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "name: Follow-up\nflow: follow-up\nlanguage: en\nvariables: {name: Ms. Lee, age: 61}\nturns:\n  \
        - robot: (?i)good time\n    say: audio/yes.wav\n    heard: yes\n    action: continue\n    slots: {consent: true}\n  \
        - dtmf: \"6#\"\n  - silence: true\n  - say: b.wav\n    interrupt_after_ms: 800\n  - hang_up: true\n\
        finally: {action: hangup, slots: {pain: 6}}\n";

    #[test]
    fn a_scenario_is_read_whole() {
        let scenario = Scenario::parse(TEXT, Path::new("/s")).unwrap();
        assert_eq!((scenario.name.as_str(), scenario.flow.as_deref()), ("Follow-up", Some("follow-up")));
        assert_eq!(scenario.variables, [("name".into(), "Ms. Lee".into()), ("age".into(), "61".into())]);
        let acts: Vec<_> = scenario.turns.iter().map(|turn| turn.act.clone()).collect();
        let expected = [
            CallerAct::Say(vec![SoundPart::File("/s/audio/yes.wav".into())]),
            CallerAct::Dtmf("6#".into()),
            CallerAct::Silence,
            CallerAct::Say(vec![SoundPart::File("/s/b.wav".into())]),
            CallerAct::HangUp,
        ];
        assert_eq!(acts, expected);
        assert_eq!(scenario.turns[3].interrupt_after_ms, Some(800));
        assert_eq!(scenario.finally.action.as_deref(), Some("hangup"));
    }

    #[test]
    fn a_caller_hesitates_coughs_and_changes_their_mind() {
        let text = "name: x\nturns:\n  - say: [no.wav, {pause_ms: 900}, yes.wav]\n    prompt_stopped: false\n    \
            meanwhile: {after_ms: 500, sound: [{cough: true}, {noise_ms: 200}]}\n";
        let scenario = Scenario::parse(text, Path::new("/s")).unwrap();
        let turn = &scenario.turns[0];
        let said = [SoundPart::File("/s/no.wav".into()), SoundPart::Pause(900), SoundPart::File("/s/yes.wav".into())];
        assert_eq!(turn.act, CallerAct::Say(said.to_vec()));
        let sound = vec![SoundPart::Cough, SoundPart::Noise { ms: 200, dbfs: -30.0 }];
        assert_eq!(turn.meanwhile, Some(Meanwhile { after_ms: 500, sound }));
        let stopped = Seen { prompt_stopped: true, ..Seen::default() };
        assert_eq!(turn.expected.differences(&stopped), ["the prompt was stopped"]);
    }

    #[test]
    fn mistakes_name_their_place() {
        let wrong = |text: &str| Scenario::parse(text, Path::new(".")).unwrap_err();
        assert!(wrong("name: x\nturns: [{say: a.wav, silence: true}]\n").contains("turn 1: exactly one"));
        assert!(wrong("name: x\nturns: [{silence: true}, {}]\n").contains("turn 2"));
        assert!(wrong("name: x\nturns: [{dtmf: \"1x\"}]\n").contains("'x' is no key"));
        assert!(wrong("name: x\nturns: [{silence: true, robot: \"(\"}]\n").contains("turn 1: /(/"));
        assert!(wrong("name: x\nturns: [{say: [{pause_ms: 0}]}]\n").contains("turn 1: 0 ms"));
        assert!(wrong("name: x\nturns: [{say: [{pause_ms: 5, cough: true}]}]\n").contains("one of pause_ms"));
        assert!(wrong("name: x\nturns: [{say: []}]\n").contains("empty"));
        assert!(wrong("name: x\nturnz: []\n").contains("turnz"));
        assert!(wrong("flow: x\n").contains("name"));
    }

    #[test]
    fn a_missing_audio_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.yaml");
        std::fs::write(&path, "name: x\nturns: [{say: nothere.wav}]\n").unwrap();
        assert!(Scenario::load(&path).unwrap_err().to_string().contains("nothere.wav"));
    }

    #[test]
    fn differences_are_told_one_by_one() {
        let scenario = Scenario::parse(TEXT, Path::new(".")).unwrap();
        let expected = &scenario.turns[0].expected;
        let slots = json!({"consent": true, "more": 1});
        let slots = slots.as_object();
        let good = Seen {
            robot: Some("Is this a Good time?"),
            heard: Some("yes"),
            action: Some("continue"),
            slots,
            prompt_stopped: false,
        };
        assert_eq!(expected.differences(&good), Vec::<String>::new());
        let bad = Seen { robot: None, heard: Some("no"), action: Some("hangup"), slots: None, prompt_stopped: false };
        assert_eq!(expected.differences(&bad).len(), 4);
    }

    #[test]
    fn slots_compare_as_written() {
        for (value, wanted, same) in [
            (json!(6), json!(6), true),
            (json!("6"), json!(6), true),
            (json!(6.0), json!(6), true),
            (json!("true"), json!(true), true),
            (json!("7"), json!(6), false),
            (json!(null), json!("x"), false),
        ] {
            assert_eq!(is_same(&value, &wanted), same, "{value} {wanted}");
        }
    }
}
