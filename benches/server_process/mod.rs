//! The program's server as a process of its own, for benchmarks.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// How long a server may take to start: the fake engine needs none of it.
const START_WITHIN: Duration = Duration::from_secs(10);

/// Time for a server to free what ended sessions held, before the next are counted.
pub(crate) const SETTLE: Duration = Duration::from_secs(1);

/// RTP ports of the server, below those that systems give to clients.
pub(crate) const RTP_PORTS: (u16, u16) = (12_000, 19_999);

/// The program's server as a process, ended with this value.
pub(crate) struct RunningServer {
    pub(crate) child: Child,
    pub(crate) sip: SocketAddr,
    /// Where control connections are accepted, and where metrics are.
    pub(crate) mrcp: SocketAddr,
    pub(crate) http: SocketAddr,
    _folder: tempfile::TempDir,
}

impl RunningServer {
    /// With the fake engine, room for so many sessions, and the `rtp.ports` that is said.
    pub(crate) fn start(sessions: u32, ports: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (sip, mrcp, http) = (free_port()?, free_port()?, free_port()?);
        let config = folder.path().join("load.toml");
        write_config(&config, sessions, sip, mrcp, http, ports)?;
        let child = Command::new(env!("CARGO_BIN_EXE_voxgate"))
            .args(["serve", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("the server does not start")?;
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut server = Self { child, sip: local(sip), mrcp: local(mrcp), http: local(http), _folder: folder };
        server.wait_until_it_listens(local(mrcp))?;
        Ok(server)
    }

    fn wait_until_it_listens(&mut self, mrcp: SocketAddr) -> anyhow::Result<()> {
        const STEP: Duration = Duration::from_millis(50);
        for _ in 0..START_WITHIN.as_millis() / STEP.as_millis() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at once: {status}");
            }
            std::thread::sleep(STEP);
            if TcpStream::connect_timeout(&self.sip, STEP).is_ok() && TcpStream::connect_timeout(&mrcp, STEP).is_ok() {
                // Ports are bound before the engine is there; a fake one takes a moment.
                std::thread::sleep(SETTLE);
                return Ok(());
            }
        }
        bail!("the server does not listen after {START_WITHIN:?}")
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?.local_addr()?.port())
}

fn write_config(path: &Path, sessions: u32, sip: u16, mrcp: u16, http: u16, ports: &str) -> anyhow::Result<()> {
    let (first, last) = RTP_PORTS;
    let mut file = std::fs::File::create(path)?;
    write!(
        file,
        "[server]\naddress = \"127.0.0.1\"\nsessions_max = {sessions_max}\n\
         [sip]\nport = {sip}\n[mrcp]\nport = {mrcp}\n[rtp]\nport_min = {first}\nport_max = {last}\nports = \"{ports}\"\n\
         [http]\nlisten = \"127.0.0.1:{http}\"\n[dialog]\nlisten = \"127.0.0.1:0\"\n[log]\nfilter = \"warn\"\n\
         [engine]\nkind = \"fake\"\n\
         [engine.fake]\nfaults = [{{ when = \"freeze now\", then = {{ freeze = 3600000 }} }}]\n\
         [engine.limits]\nrecognition_streams_max = {sessions_max}\nsynthesis_streams_max = {sessions_max}\n",
        sessions_max = sessions.saturating_add(10),
    )?;
    Ok(())
}
