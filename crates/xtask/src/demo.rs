//! The main job from nothing: models, build, server, robot call.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use crate::run::{cargo, root, succeed, target_dir};
use crate::test::{fetch, with_native};

/// Language of the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English
    En,
    /// Chinese
    Zh,
}

/// What `cargo xtask demo` takes.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Language of the call.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    lang: Lang,
}

/// Runs the demonstration.
///
/// # Errors
/// When anything on the way fails, the call included.
pub(crate) fn run(arguments: &DemoArgs) -> anyhow::Result<()> {
    fetch(&[])?;
    succeed(with_native(&mut cargo(["build", "--package", "server", "--features", "sherpa"]))?)?;

    let voxgate = target_dir().join("debug/voxgate");
    let out = root().join("demo-out");
    std::fs::create_dir_all(&out)?;
    let ports = free_ports()?;
    let config = out.join("voxgate.toml");
    std::fs::write(&config, configuration(&ports))?;

    let scenario = match arguments.lang {
        Lang::En => "tests/scenarios/follow-up-en.yaml",
        Lang::Zh => "tests/scenarios/follow-up-zh.yaml",
    };
    eprintln!("» voxgate serve (log: demo-out/server.log)");
    let log = std::fs::File::create(out.join("server.log"))?;
    let server = Command::new(&voxgate)
        .args(["serve", "--config"])
        .arg(&config)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start {}", voxgate.display()))?;
    let mut server = Running(server);
    wait_until_ready(&mut server, ports.http)?;
    succeed(
        Command::new(&voxgate)
            .args(["call", "--server", &format!("127.0.0.1:{}", ports.sip), "--scenario", scenario, "--out"])
            .arg(&out)
            .current_dir(root()),
    )?;
    eprintln!("The call is in demo-out: call.wav (caller left, robot right), ladder.txt, record.json.");
    Ok(())
}

/// Ports that nobody uses now, so that the demonstration runs beside a server.
struct Ports {
    sip: u16,
    mrcp: u16,
    http: u16,
    dialog: u16,
}

fn free_ports() -> anyhow::Result<Ports> {
    let tcp = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let sip = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let (mrcp, http, dialog) = (tcp()?, tcp()?, tcp()?);
    Ok(Ports {
        sip: sip.local_addr()?.port(),
        mrcp: mrcp.local_addr()?.port(),
        http: http.local_addr()?.port(),
        dialog: dialog.local_addr()?.port(),
    })
}

fn configuration(ports: &Ports) -> String {
    format!(
        "[server]\naddress = \"127.0.0.1\"\n\n[sip]\nport = {}\n\n[mrcp]\nport = {}\n\n[http]\nlisten = \"127.0.0.1:{}\"\n\n[dialog]\nlisten = \"127.0.0.1:{}\"\n",
        ports.sip, ports.mrcp, ports.http, ports.dialog
    )
}

/// The server, ended with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has served one call and holds nothing that a kill could lose.
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn wait_until_ready(server: &mut Running, port: u16) -> anyhow::Result<()> {
    for _ in 0..600 {
        if let Some(status) = server.0.try_wait()? {
            bail!("the server ended at once ({status}): see demo-out/server.log");
        }
        if is_ready(port) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("the server was not ready within a minute: see demo-out/server.log");
}

fn is_ready(port: u16) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let mut answer = String::new();
    stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
        && stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
