//! What a load run found, in numbers.

use std::fmt;
use std::time::Duration;

use super::{LoadConfig, ProcessUse, Tally};
use crate::histogram::Histogram;

/// Cores that the driver's two threads can use; near it the driver is the limit.
const DRIVER_CORES_MAX: f64 = 1.8;

/// What a load run found.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadReport {
    /// Sessions wanted.
    pub sessions: usize,
    /// Sessions opened.
    pub opened: u64,
    /// Sessions that could not be opened.
    pub failed: u64,
    /// What went wrong first.
    pub first_failure: Option<String>,
    /// Time until all sessions were there.
    pub set_up_time: Duration,
    /// From INVITE to a session that can be used.
    pub set_up: Histogram,
    /// From an MRCP request to its response.
    pub response: Histogram,
    /// From SPEAK to the first RTP packet.
    pub first_packet: Histogram,
    /// Between RTP packets received within talk-spurts.
    pub gaps: Histogram,
    /// RTP packets received.
    pub packets_received: u64,
    /// RTP packets lost on the way to us.
    pub packets_lost: u64,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// SPEAKs that ended.
    pub speaks: u64,
    /// RECOGNIZEs that ended.
    pub recognitions: u64,
    /// Requests and sessions that ended otherwise than with cause 000.
    pub wrong: u64,
    /// The server's use of the machine while all sessions ran.
    pub server: Option<ProcessUse>,
    /// Our own.
    pub driver: Option<ProcessUse>,
    /// 99 of 100 ticks of our media thread were not later than this.
    pub tick_lateness_p99: Duration,
    /// Why the numbers say more about the driver than about the server, if so.
    pub driver_is_the_limit: Option<String>,
}

impl LoadReport {
    pub(super) fn new(
        config: &LoadConfig,
        tally: &Tally,
        set_up_time: Duration,
        server: Option<ProcessUse>,
        driver: Option<ProcessUse>,
        lateness: &Histogram,
    ) -> Self {
        let tick_lateness_p99 = lateness.quantile(0.99);
        let driver_cores = driver.map_or(0.0, |driver| driver.cores);
        let driver_is_the_limit = if tick_lateness_p99 > config.tick_late {
            Some(format!("its media thread is late by {} (p99)", ms(tick_lateness_p99)))
        } else if driver_cores > DRIVER_CORES_MAX {
            Some(format!("it uses {driver_cores:.2} cores"))
        } else {
            None
        };
        Self {
            sessions: config.sessions,
            opened: tally.opened,
            failed: tally.failed,
            first_failure: tally.first_failure.clone(),
            set_up_time,
            set_up: tally.set_up.clone(),
            response: tally.response.clone(),
            first_packet: tally.first_packet.clone(),
            gaps: tally.gaps.clone(),
            packets_received: tally.packets_received,
            packets_lost: tally.packets_lost,
            packets_sent: tally.packets_sent,
            speaks: tally.speaks,
            recognitions: tally.recognitions,
            wrong: tally.wrong,
            server,
            driver,
            tick_lateness_p99,
            driver_is_the_limit,
        }
    }

    /// Whether every session was opened and every request ended well.
    pub fn is_clean(&self) -> bool {
        self.failed == 0 && self.wrong == 0
    }
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

fn spread(histogram: &Histogram) -> String {
    format!(
        "p50 {}, p99 {}, max {}",
        ms(histogram.quantile(0.5)),
        ms(histogram.quantile(0.99)),
        ms(histogram.longest())
    )
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.opened as f64 / self.set_up_time.as_secs_f64().max(0.001);
        writeln!(f, "sessions        {} of {} opened, {} failed", self.opened, self.sessions, self.failed)?;
        writeln!(f, "set-up          {rate:.0}/s; {}", spread(&self.set_up))?;
        writeln!(f, "MRCP response   {}", spread(&self.response))?;
        writeln!(f, "first packet    {} after SPEAK", spread(&self.first_packet))?;
        writeln!(f, "packet gap      {}", spread(&self.gaps))?;
        let (received, lost, sent) = (self.packets_received, self.packets_lost, self.packets_sent);
        writeln!(f, "RTP             {received} received, {lost} lost, {sent} sent")?;
        let (speaks, recognitions, wrong) = (self.speaks, self.recognitions, self.wrong);
        writeln!(f, "requests        {speaks} SPEAK, {recognitions} RECOGNIZE, {wrong} not as wanted")?;
        if let Some(failure) = &self.first_failure {
            writeln!(f, "first failure   {failure}")?;
        }
        for (name, used) in [("server", &self.server), ("driver", &self.driver)] {
            if let Some(used) = used {
                let per_session = used.cores * 100.0 / self.opened.max(1) as f64;
                let resident = used.resident_bytes as f64 / 1_048_576.0;
                writeln!(
                    f,
                    "{name:<15} {:.2} cores ({per_session:.3} % of one per session), {resident:.0} MiB resident, {} threads",
                    used.cores, used.threads
                )?;
            }
        }
        writeln!(f, "driver ticks    late by {} (p99)", ms(self.tick_lateness_p99))?;
        if let Some(reason) = &self.driver_is_the_limit {
            writeln!(f, "THE DRIVER IS THE LIMIT: {reason}")?;
        }
        Ok(())
    }
}
