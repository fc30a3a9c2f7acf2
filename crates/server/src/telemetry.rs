//! Logs and metrics: set up once, and what may appear in them.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::LogConfig;

/// Starts logging to standard error as configured. A second call in one process changes nothing.
pub fn start_logging(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Tests start several servers in one process; the first one's log stays.
    let _already_started = if config.json { builder.json().try_init() } else { builder.try_init() };
}

/// Installs the Prometheus recorder of this process, or returns the one that is installed.
///
/// # Errors
/// When another kind of recorder is installed already.
pub fn metrics_recorder() -> anyhow::Result<PrometheusHandle> {
    // Held while the recorder is installed: of two servers that start at once, the second waits for the first's.
    static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Suffix("_seconds".to_owned()),
            &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.9, 1.5, 2.5, 5.0, 10.0],
        )?
        .install_recorder()?;
    describe();
    Ok(installed.insert(handle).clone())
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_gauge!("sessions_active", "MRCP sessions (SIP dialogs) now");
    describe_counter!("sessions_total", "MRCP sessions accepted");
    describe_counter!("sessions_refused_total", "INVITEs refused, by reason");
    describe_counter!("sessions_ended_total", "MRCP sessions ended, by cause");
    describe_gauge!("mrcp_connections_active", "MRCP control connections now");
    describe_counter!("mrcp_requests_total", "MRCP requests, by method");
    describe_counter!("mrcp_completions_total", "COMPLETE events, by resource and cause");
    describe_histogram!("mrcp_response_seconds", "MRCP request read to response written");
    describe_counter!("media_events_late_total", "Media events for sessions that had ended");
    describe_gauge!("media_legs_active", "RTP legs now");
    describe_gauge!("media_sockets_active", "RTP and RTCP sockets of legs with ports of their own");
    describe_gauge!("tasks_active", "Tasks of the control plane, by what they do");
    describe_counter!("media_timeouts_total", "Peers that sent nothing while somebody listened, for rtp.timeout_s");
    describe_counter!("media_packets_total", "RTP packets, by direction");
    describe_counter!("media_packets_dropped_total", "RTP packets dropped, by reason");
    describe_histogram!("media_lost_ratio", "RTP packets lost on the way to us, of those expected, per leg");
    describe_histogram!("media_jitter_seconds", "Interarrival jitter of RTP at the end of a leg");
    describe_histogram!("media_peer_lost_ratio", "Our RTP packets that the peer says it lost, of those sent, per leg");
    describe_histogram!("media_peer_jitter_seconds", "Interarrival jitter of our RTP, as the peer reports it");
    describe_histogram!("media_round_trip_seconds", "Round trip by RTCP at the end of a leg");
    describe_histogram!("media_mean_opinion_score", "Quality of what came, by the E-model, per leg: 1 to 4.5");
    describe_histogram!(
        "media_peer_mean_opinion_score",
        "Quality of what we sent, by the peer's reports and the E-model"
    );
    describe_counter!("media_ticks_late_total", "Media ticks that began more than 5 ms late");
    describe_counter!("recordings_total", "Recordings ended, by target and outcome");
    describe_counter!("recording_events_dropped_total", "Events of recordings that found no room in their session");
    describe_gauge!("recording_bytes", "Bytes of recordings that are kept, or being made, in the storage folder");
    describe_counter!("fetches_total", "Documents fetched, by purpose and outcome");
    describe_histogram!("fetch_seconds", "Time of one fetch, by purpose");
    describe_counter!("fetch_cache_total", "Documents from the cache (hit, revalidated) and from their origin (miss)");
    describe_gauge!("fetch_cache_bytes", "Bytes of documents kept");
    describe_counter!("fetch_cookies_total", "Cookies that clients sent, by whether they were taken");
    describe_gauge!("conversations_active", "Conversations now");
    crate::conversation_metrics::describe();
    describe_histogram!("turn_first_text_seconds", "Caller's turn sent to first text from the dialog service");
    describe_histogram!("turn_first_packet_seconds", "Caller's end of speech to first reply packet, fillers excluded");
    describe_histogram!("turn_stage_seconds", "Stages of a turn, which sum to its total: what each was spent on");
    describe_counter!("dialog_failovers_total", "Changes to another instance of the dialog service");
    describe_counter!("webhook_deliveries_total", "Tries to deliver a record, by outcome: delivered, failed, dead");
    describe_counter!("webhook_records_dropped_total", "Records that were not put into the outbox, by reason");
    describe_gauge!("webhook_outbox_records", "Records that wait for delivery");
}

/// The error with the chain of its sources.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Whether callers' words and numbers may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// They appear as `[private, N characters]`.
    Hidden,
    /// They appear as they are.
    Shown,
}

impl Privacy {
    /// Wraps text of or about a caller for a log line.
    pub fn words<'a>(self, text: &'a str) -> Words<'a> {
        Words { text, privacy: self }
    }
}

/// A caller's words as they may be logged.
pub struct Words<'a> {
    text: &'a str,
    privacy: Privacy,
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.privacy {
            Privacy::Shown => f.write_str(self.text),
            Privacy::Hidden => write!(f, "[private, {} characters]", self.text.chars().count()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_words_show_their_length_only() {
        assert_eq!(Privacy::Hidden.words("my number is 5").to_string(), "[private, 14 characters]");
        assert_eq!(Privacy::Shown.words("five").to_string(), "five");
    }
}
