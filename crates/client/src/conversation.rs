//! A robot call by a scenario: the loop of a dialplan, with a caller who is recorded speech.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use mrcp::{HeaderName, Headers, RecognizerCause, SynthesizerCause};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::caller_sound::{self, caller_audio};
use crate::client::{Client, ClientConfig};
use crate::clock::now;
use crate::error::{CallError, ClientError};
use crate::ladder::{Ladder, Layer};
use crate::recording::Recording;
use crate::round::{Act, Aside, Listen, Progress, Round, RoundPlan, Speak, run_round};
use crate::scenario::{CallerAct, Meanwhile, Scenario, Seen};
use crate::seed::call_uuid;
use crate::session::{GrammarBody, RecogSession, SynthSession, vendor_header};

/// Rounds without a turn of the scenario in them that are put up with.
const IDLE_ROUNDS_MAX: usize = 3;

/// How long one round may take.
const ROUND_WITHIN: Duration = Duration::from_secs(120);

/// What is escaped in values of URIs.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What came of a scenario.
#[derive(Debug, Clone)]
pub struct ConversationReport {
    /// The conversation id.
    pub conversation: String,
    /// What was not as expected, in sentences; empty when all is well.
    pub problems: Vec<String>,
    /// The action that ended the call.
    pub action: Option<String>,
    /// All slots as last told.
    pub slots: Map<String, Value>,
    /// Time from the caller's last sound to the first packet of the reply, for each reply.
    pub reply_latencies: Vec<Duration>,
    /// The rounds, for `record.json`.
    pub rounds: Vec<Value>,
}

/// Runs a scenario. The conversation is told to `out` line by line as it goes on; `recording` and the client's ladder
/// hold the rest.
///
/// # Errors
/// When the sessions cannot be opened, an audio file cannot be read, or the call breaks. What is merely not as expected
/// is in the report.
pub async fn run_scenario(
    config: ClientConfig,
    scenario: &Scenario,
    ladder: &Ladder,
    recording: &Recording,
    mut out: impl FnMut(&str),
) -> Result<ConversationReport, CallError> {
    let conversation = scenario.conversation.clone().unwrap_or_else(call_uuid);
    let flow = scenario.flow.as_deref().unwrap_or("default");
    out(&format!("{} (flow {flow}), conversation {conversation}", scenario.name));
    let rate = recording.sample_rate_hz();
    let acts = load_acts(scenario, rate)?;
    let asides = load_asides(scenario, rate)?;
    let client = Client::start(config, ladder.clone()).await?;
    // As FreeSWITCH does: the recognizer first.
    let mut recognizer = client.open_recognizer(Some(recording)).await?;
    let mut synthesizer = client.open_synthesizer(Some(recording)).await?;
    out(&format!("sessions {} and {}", recognizer.session.channel(), synthesizer.session.channel()));
    out("");
    let mut run = Run {
        scenario,
        ladder,
        start: ladder.start(),
        report: ConversationReport {
            conversation,
            problems: Vec::new(),
            action: None,
            slots: Map::new(),
            reply_latencies: Vec::new(),
            rounds: Vec::new(),
        },
        caller_end: None,
        robot: None,
        next_turn: 0,
        idle_rounds: 0,
    };
    let outcome = run.rounds(&mut recognizer, &mut synthesizer, (&acts, &asides), &mut out).await;
    ladder.note(now(), Layer::Call, "the call ends");
    // The caller's leg and the robot's end together with the call.
    _ = tokio::join!(recognizer.session.hang_up(), synthesizer.session.hang_up());
    if let Err(error) = outcome {
        run.report.problems.push(error.to_string());
        out(&format!("{}  the call broke: {error}", run.clock(now())));
    }
    run.finish(&mut out);
    Ok(run.report)
}

fn load_acts(scenario: &Scenario, rate: u32) -> Result<Vec<Act>, CallError> {
    scenario
        .turns
        .iter()
        .map(|turn| {
            Ok(match &turn.act {
                CallerAct::Say(parts) => Act::Say(caller_audio(parts, rate)?),
                CallerAct::Dtmf(digits) => Act::Dtmf(digits.clone()),
                CallerAct::Silence => Act::Silence,
                CallerAct::HangUp => Act::HangUp,
            })
        })
        .collect()
}

fn load_asides(scenario: &Scenario, rate: u32) -> Result<Vec<Option<Aside>>, CallError> {
    let aside = |meanwhile: &Meanwhile| {
        let after = Duration::from_millis(u64::from(meanwhile.after_ms));
        Ok(Aside { after, audio: caller_audio(&meanwhile.sound, rate)? })
    };
    scenario.turns.iter().map(|turn| turn.meanwhile.as_ref().map(aside).transpose()).collect()
}

struct Run<'a> {
    scenario: &'a Scenario,
    ladder: &'a Ladder,
    start: Instant,
    report: ConversationReport,
    /// The caller's last sound that no reply has followed yet.
    caller_end: Option<Instant>,
    /// What the robot said last.
    robot: Option<String>,
    next_turn: usize,
    idle_rounds: usize,
}

impl Run<'_> {
    async fn rounds(
        &mut self,
        recognizer: &mut RecogSession,
        synthesizer: &mut SynthSession,
        (acts, asides): (&[Act], &[Option<Aside>]),
        out: &mut impl FnMut(&str),
    ) -> Result<(), ClientError> {
        loop {
            let turn = self.scenario.turns.get(self.next_turn);
            let plan = RoundPlan {
                listen: Some(self.listen()),
                speak: Some(self.speak()),
                act: acts.get(self.next_turn).cloned().unwrap_or(Act::Silence),
                aside: asides.get(self.next_turn).cloned().flatten(),
                reaction: Duration::from_millis(u64::from(self.scenario.reaction_ms)),
                interrupt_after: turn
                    .and_then(|turn| turn.interrupt_after_ms)
                    .map(|ms| Duration::from_millis(u64::from(ms))),
                within: ROUND_WITHIN,
            };
            let what = turn.map(|turn| describe(&turn.act)).unwrap_or_else(|| "(says nothing)".to_owned());
            let (start, caller_end) = (self.start, self.caller_end);
            let round = run_round(Some(synthesizer), Some(recognizer), &plan, self.ladder, |progress| match progress {
                Progress::CallerActs(_) => out(&format!("{}  caller  {what}", clock(start, now()))),
                Progress::BargeIn => out(&format!("{}          the caller interrupts", clock(start, now()))),
                Progress::Spoken { spoken, speak_sent, first_packet } => {
                    let text = spoken.text.as_deref().unwrap_or("(the server does not tell the text)");
                    let began = first_packet.unwrap_or(spoken.at);
                    let latency = first_packet.map_or_else(String::new, |first| match caller_end {
                        Some(end) => format!("  [{} ms after the caller's last sound]", ms(end, first)),
                        None => format!("  [{} ms after SPEAK]", ms(speak_sent, first)),
                    });
                    out(&format!("{}  robot   {text}{latency}", clock(start, began)));
                }
            })
            .await?;
            if self.take(&round, out) {
                return Ok(());
            }
        }
    }

    fn listen(&self) -> Listen {
        let mut uri = format!(
            "builtin:speech/dialog?conversation={}&instance=json",
            utf8_percent_encode(&self.report.conversation, ESCAPED)
        );
        self.add_common(&mut uri);
        let mut headers = self.headers();
        if let Some(ms) = self.scenario.no_input_timeout_ms {
            headers.push(HeaderName::NoInputTimeout, ms.to_string());
        }
        Listen { grammar: GrammarBody::uri(&uri), headers }
    }

    fn speak(&self) -> Speak {
        let mut uri = format!("dialog:reply?conversation={}", utf8_percent_encode(&self.report.conversation, ESCAPED));
        self.add_common(&mut uri);
        Speak { content_type: "text/plain".to_owned(), body: uri, headers: self.headers() }
    }

    fn add_common(&self, uri: &mut String) {
        for (name, value) in [("flow", &self.scenario.flow), ("language", &self.scenario.language)] {
            if let Some(value) = value {
                // Writing to a string cannot fail.
                _ = write!(uri, "&{name}={}", utf8_percent_encode(value, ESCAPED));
            }
        }
    }

    /// What FreeSWITCH sends as parameters: the conversation and its variables, and that we want to know the text.
    fn headers(&self) -> Headers {
        let mut parameters = vec![
            ("com.voxgate.conversation".to_owned(), self.report.conversation.clone()),
            ("com.voxgate.report".to_owned(), "text".to_owned()),
        ];
        let variables = &self.scenario.variables;
        parameters.extend(variables.iter().map(|(name, value)| (format!("com.voxgate.var.{name}"), value.clone())));
        vendor_header(&parameters)
    }

    /// Takes what a round brought; `true` when the call is over.
    fn take(&mut self, round: &Round, out: &mut impl FnMut(&str)) -> bool {
        let reply_latency = self.caller_end.take().zip(round.first_packet).map(|(end, first)| {
            let latency = first.saturating_duration_since(end);
            self.report.reply_latencies.push(latency);
            latency
        });
        if let Some(text) = round.spoken.as_ref().and_then(|spoken| spoken.text.clone()) {
            self.robot = Some(text);
        }
        let recognition = round.recognition.as_ref();
        let result = recognition.and_then(|recognition| recognition.result.as_ref());
        let instance = result.and_then(|result| result.instance.as_object());
        let text_of = |name: &str| instance.and_then(|instance| instance.get(name)).and_then(Value::as_str);
        let heard =
            text_of("transcript").or(result.map(|result| result.input.as_str())).filter(|text| !text.is_empty());
        let action = text_of("action");
        let slots = instance.and_then(|instance| instance.get("slots")).and_then(Value::as_object);
        let news = self.learn(slots);
        if let Some(recognition) = recognition {
            let cause = recognition.cause.map_or_else(|| "?".to_owned(), |cause| cause.to_string());
            let confidence = result.map_or(0.0, |result| result.confidence);
            let heard = match heard {
                Some(text) => format!("heard   {text:?} ({confidence:.2})"),
                None if round.caller_acted => format!("heard   nothing ({cause})"),
                None => format!("result  {cause}"),
            };
            let action = action.map(|action| format!("  action: {action}")).unwrap_or_default();
            out(&format!("{}  {heard}{action}{news}", self.clock(recognition.at)));
            if recognition.cause == Some(RecognizerCause::RecognizerError) {
                self.report.problems.push(format!("the recognizer failed: {cause}"));
            }
        }
        if round.cut_off {
            out("                  (the caller was still speaking)");
        }
        self.report.rounds.push(json!({
            "robot": round.spoken.as_ref().and_then(|spoken| spoken.text.clone()),
            "heard": heard,
            "confidence": result.map(|result| (f64::from(result.confidence) * 100.0).round() / 100.0),
            "cause": recognition.and_then(|recognition| recognition.cause).map(|cause| cause.to_string()),
            "action": action,
            "instance": result.map(|result| result.instance.clone()),
            "reply_latency_ms": reply_latency.map(|latency| latency.as_millis()),
        }));
        self.caller_end = round.caller_end;
        if round.caller_acted {
            let cause = round.spoken.as_ref().and_then(|spoken| spoken.cause);
            let prompt_stopped = cause == Some(SynthesizerCause::BargeIn);
            let robot = self.robot.clone();
            self.compare_turn(&Seen { robot: robot.as_deref(), heard, action, slots, prompt_stopped });
        } else {
            self.idle_rounds += 1;
        }
        if let Some(action) = action {
            self.report.action = Some(action.to_owned());
        }
        if round.hung_up || action.is_some_and(|action| action != "continue") {
            return true;
        }
        let failed = recognition.and_then(|recognition| recognition.cause).is_some_and(is_failure);
        if failed || self.idle_rounds > IDLE_ROUNDS_MAX {
            let why = if failed { "the recognition failed" } else { "the robot goes on after the scenario's end" };
            self.report.problems.push(why.to_owned());
        }
        failed || self.idle_rounds > IDLE_ROUNDS_MAX
    }

    /// Keeps the slots, and says which are new.
    fn learn(&mut self, slots: Option<&Map<String, Value>>) -> String {
        let mut news = String::new();
        for (name, value) in slots.into_iter().flatten() {
            let known = self.report.slots.insert(name.clone(), value.clone());
            if !value.is_null() && known.as_ref() != Some(value) {
                // Writing to a string cannot fail.
                _ = write!(news, "  {name}={value}");
            }
        }
        news
    }

    fn compare_turn(&mut self, seen: &Seen<'_>) {
        let Some(turn) = self.scenario.turns.get(self.next_turn) else {
            // Past the scenario's end the caller is silent.
            self.idle_rounds += 1;
            return;
        };
        self.next_turn += 1;
        let differences = turn.expected.differences(seen);
        let number = self.next_turn;
        self.report.problems.extend(differences.into_iter().map(|difference| format!("turn {number}: {difference}")));
    }

    fn finish(&mut self, out: &mut impl FnMut(&str)) {
        let left = self.scenario.turns.len().saturating_sub(self.next_turn);
        if left > 0 {
            self.report.problems.push(format!("the call ended with {left} turns of the scenario left"));
        }
        let finally = &self.scenario.finally;
        let seen = Seen {
            robot: self.robot.as_deref(),
            heard: None,
            action: self.report.action.as_deref(),
            slots: Some(&self.report.slots),
            prompt_stopped: false,
        };
        let differences = finally.differences(&seen);
        self.report.problems.extend(differences.into_iter().map(|difference| format!("at the end: {difference}")));
        out("");
        out(&format!("ended with action {}", self.report.action.as_deref().unwrap_or("none")));
        if !self.report.slots.is_empty() {
            let form = serde_json::to_string_pretty(&self.report.slots).unwrap_or_default();
            out(&format!("form {form}"));
        }
        let mut latencies = self.report.reply_latencies.clone();
        latencies.sort();
        if let (Some(median), Some(longest)) = (latencies.get(latencies.len() / 2), latencies.last()) {
            out(&format!(
                "reply after the caller's last sound: median {} ms, longest {} ms",
                median.as_millis(),
                longest.as_millis()
            ));
        }
        for problem in &self.report.problems {
            out(&format!("NOT AS EXPECTED: {problem}"));
        }
        if self.report.problems.is_empty() {
            out("as expected");
        }
    }

    fn clock(&self, at: Instant) -> String {
        clock(self.start, at)
    }
}

impl ConversationReport {
    /// Writes `record.json`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), CallError> {
        let record = json!({
            "conversation": self.conversation,
            "action": self.action,
            "form": self.slots,
            "rounds": self.rounds,
            "problems": self.problems,
        });
        let text = serde_json::to_string_pretty(&record).unwrap_or_default() + "\n";
        std::fs::write(path, text).map_err(|source| CallError::File { path: path.display().to_string(), source })
    }
}

/// Whether a cause says that nothing will work, rather than that nothing was understood.
fn is_failure(cause: RecognizerCause) -> bool {
    match cause {
        RecognizerCause::Success
        | RecognizerCause::NoMatch
        | RecognizerCause::NoInputTimeout
        | RecognizerCause::HotwordMaxtime
        | RecognizerCause::SpeechTooEarly
        | RecognizerCause::SuccessMaxtime
        | RecognizerCause::PartialMatch
        | RecognizerCause::PartialMatchMaxtime
        | RecognizerCause::NoMatchMaxtime => false,
        RecognizerCause::GrammarLoadFailure
        | RecognizerCause::GrammarCompilationFailure
        | RecognizerCause::RecognizerError
        | RecognizerCause::UriFailure
        | RecognizerCause::LanguageUnsupported
        | RecognizerCause::Cancelled
        | RecognizerCause::SemanticsFailure
        | RecognizerCause::GrammarDefinitionFailure => true,
    }
}

fn describe(act: &CallerAct) -> String {
    match act {
        CallerAct::Say(parts) => format!("({})", caller_sound::describe(parts)),
        CallerAct::Dtmf(digits) => format!("(keys {digits})"),
        CallerAct::Silence => "(says nothing)".to_owned(),
        CallerAct::HangUp => "(hangs up)".to_owned(),
    }
}

/// Milliseconds between two moments.
fn ms(from: Instant, to: Instant) -> u128 {
    to.saturating_duration_since(from).as_millis()
}

/// Minutes and seconds since the start of the call.
fn clock(start: Instant, at: Instant) -> String {
    let seconds = at.saturating_duration_since(start).as_secs_f64();
    format!("{:>2}:{:04.1}", (seconds / 60.0) as u64, seconds % 60.0)
}
