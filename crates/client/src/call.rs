//! A single round without a scenario: a text to speak, a grammar and a recording to recognize.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mrcp::{HeaderName, Headers};
use regex::Regex;

use crate::audio_file::CallerAudio;
use crate::client::{Client, ClientConfig};
use crate::error::CallError;
use crate::ladder::Ladder;
use crate::recording::Recording;
use crate::round::{Act, Listen, Progress, Round, RoundPlan, Speak, run_round};
use crate::session::{GrammarBody, vendor_header};

/// What a single round is about.
#[derive(Debug, Clone, Default)]
pub struct CallPlan {
    /// What to speak: content type and body.
    pub speak: Option<(String, String)>,
    /// What to listen for: a URI, or a file of SRGS.
    pub grammar: Option<String>,
    /// What the caller says.
    pub audio: Option<PathBuf>,
    /// What the caller keys.
    pub dtmf: Option<String>,
    /// `Speech-Language` of both requests.
    pub language: Option<String>,
    /// Vendor-specific parameters of both requests.
    pub parameters: Vec<(String, String)>,
    /// `No-Input-Timeout`, in milliseconds.
    pub no_input_timeout_ms: Option<u32>,
    /// How long all may take.
    pub within: Option<Duration>,
    /// What was recognized must match.
    pub expect_text: Option<Regex>,
    /// The completion cause of the recognition, or of the speech where nothing is recognized, must have this number.
    pub expect_cause: Option<u16>,
}

/// Runs a single round, tells it to `out`, and returns what was not as expected.
///
/// # Errors
/// When the options do not fit together, a file cannot be used, or the call breaks.
pub async fn run_call(
    config: ClientConfig,
    plan: &CallPlan,
    ladder: &Ladder,
    recording: &Recording,
    mut out: impl FnMut(&str),
) -> Result<Vec<String>, CallError> {
    if plan.speak.is_none() && plan.grammar.is_none() {
        return Err(CallError::Options("nothing to do: give a text to speak, or a grammar to recognize".to_owned()));
    }
    let grammar = plan.grammar.as_deref().map(load_grammar).transpose()?;
    let client = Client::start(config, ladder.clone()).await?;
    let mut recognizer = match &grammar {
        Some(_) => Some(client.open_recognizer(Some(recording)).await?),
        None => None,
    };
    let mut synthesizer = match &plan.speak {
        Some(_) => Some(client.open_synthesizer(Some(recording)).await?),
        None => None,
    };
    let act = match (&plan.audio, &plan.dtmf, &recognizer) {
        (Some(path), _, Some(recognizer)) => Act::Say(CallerAudio::load(path, recognizer.session.clock_rate().hz())?),
        (None, Some(digits), _) => Act::Dtmf(digits.clone()),
        (None, None, _) | (_, _, None) => Act::Silence,
    };
    let mut headers = vendor_header(&plan.parameters);
    if let Some(language) = &plan.language {
        headers.push(HeaderName::SpeechLanguage, language.as_str());
    }
    let round_plan = RoundPlan {
        listen: grammar.map(|grammar| Listen { grammar, headers: listen_headers(plan, &headers) }),
        speak: plan.speak.clone().map(|(content_type, body)| Speak { content_type, body, headers: headers.clone() }),
        act,
        reaction: Duration::from_millis(200),
        aside: None,
        interrupt_after: None,
        within: plan.within.unwrap_or(Duration::from_secs(120)),
    };
    let round = run_round(synthesizer.as_mut(), recognizer.as_mut(), &round_plan, ladder, |progress| match progress {
        Progress::Spoken { .. } => out("the prompt has ended"),
        Progress::CallerActs(_) => out("the caller's turn"),
        Progress::BargeIn => out("the caller interrupts"),
    })
    .await;
    // As FreeSWITCH does: the synthesizer goes first.
    if let Some(synthesizer) = synthesizer {
        synthesizer.session.hang_up().await;
    }
    if let Some(recognizer) = recognizer {
        recognizer.session.hang_up().await;
    }
    let round = round?;
    tell(&round, &mut out);
    Ok(differences(&round, plan))
}

fn listen_headers(plan: &CallPlan, common: &Headers) -> Headers {
    let mut headers = common.clone();
    if let Some(ms) = plan.no_input_timeout_ms {
        headers.push(HeaderName::NoInputTimeout, ms.to_string());
    }
    headers
}

/// A file if there is one of that name, else a URI.
fn load_grammar(grammar: &str) -> Result<GrammarBody, CallError> {
    let path = Path::new(grammar);
    if !path.is_file() {
        return Ok(GrammarBody::uri(grammar));
    }
    let body =
        std::fs::read_to_string(path).map_err(|source| CallError::File { path: path.display().to_string(), source })?;
    Ok(GrammarBody { content_type: "application/srgs+xml".to_owned(), body })
}

fn tell(round: &Round, out: &mut impl FnMut(&str)) {
    if let Some((sent, first)) = round.speak_sent.zip(round.first_packet) {
        let latency = first.saturating_duration_since(sent);
        out(&format!("first packet {:.1} ms after SPEAK", latency.as_secs_f64() * 1000.0));
    }
    if let Some(spoken) = &round.spoken {
        out(&format!(
            "SPEAK-COMPLETE {}",
            spoken.cause.map_or_else(|| "without a cause".to_owned(), |c| c.to_string())
        ));
    }
    if let Some(recognition) = &round.recognition {
        let cause = recognition.cause.map_or_else(|| "without a cause".to_owned(), |cause| cause.to_string());
        out(&format!("RECOGNITION-COMPLETE {cause}"));
        if let Some(result) = &recognition.result {
            out(&format!("recognized {:?} ({:.2})", result.input, result.confidence));
            out(&format!("instance {}", result.instance));
        }
        if let Some(end) = round.caller_end {
            let latency = recognition.at.saturating_duration_since(end);
            out(&format!("result {} ms after the caller's last sound", latency.as_millis()));
        }
    }
}

fn differences(round: &Round, plan: &CallPlan) -> Vec<String> {
    let mut differences = Vec::new();
    if let Some(pattern) = &plan.expect_text {
        let input = round.recognition.as_ref().and_then(|recognition| recognition.result.as_ref());
        let input = input.map_or("", |result| result.input.as_str());
        if !pattern.is_match(input) {
            differences.push(format!("{input:?} does not match /{pattern}/"));
        }
    }
    if let Some(wanted) = plan.expect_cause {
        let cause = match (&round.recognition, &round.spoken) {
            (Some(recognition), _) => recognition.cause.map(|cause| cause.code()),
            (None, Some(spoken)) => spoken.cause.map(|cause| cause.code()),
            (None, None) => None,
        };
        if cause != Some(wanted) {
            let cause = cause.map_or_else(|| "none".to_owned(), |cause| format!("{cause:03}"));
            differences.push(format!("the completion cause is {cause}, {wanted:03} was expected"));
        }
    }
    differences
}
