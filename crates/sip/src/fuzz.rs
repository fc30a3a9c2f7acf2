//! What the fuzz targets call. A plain `cargo test` replays their corpora through the same functions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::dialog::{self, DialogConfig};
use crate::endpoint::{EndpointConfig, Input, Output};
use crate::{
    Command, ConnectionId, Dialog, DialogKey, Endpoint, Message, MessageLimits, Response, Seed, ServerKey, Signal,
    Status,
};

/// A message that can be read is printed and read again unchanged.
pub fn message(data: &[u8]) {
    let limits = MessageLimits::default();
    if let Ok(message) = Message::parse(&Bytes::copy_from_slice(data), &limits) {
        let printed = match &message {
            Message::Request(request) => request.print(),
            Message::Response(response) => response.print(),
        };
        let roomy = MessageLimits { message_bytes_max: usize::MAX, headers_max: usize::MAX };
        assert_eq!(Message::parse(&printed, &roomy), Ok(message));
    }
}

/// A stream gives the same, however it is cut: the first byte says where.
pub fn stream(epoch: Instant, data: &[u8]) {
    let Some((&cut, stream)) = data.split_first() else { return };
    let (a, b) = stream.split_at(usize::from(cut).min(stream.len()));
    assert_eq!(stream_outputs(epoch, &[stream]), stream_outputs(epoch, &[a, b]));
}

fn stream_outputs(epoch: Instant, parts: &[&[u8]]) -> Vec<Output> {
    let (mut world, connection) = (World::new(epoch), ConnectionId(1));
    world.input(Input::StreamOpened { connection, local: local(), remote: peer() });
    parts
        .iter()
        .flat_map(|part| world.input(Input::StreamData { connection, bytes: Bytes::copy_from_slice(part) }))
        .collect()
}

/// Datagrams, separated by a line of `%%`, reach an endpoint whose owners answer at once by chance of the bytes; time passes
/// between them. The laws of the machine hold, and at the end nothing is left but what owners keep.
pub fn endpoint(epoch: Instant, data: &[u8]) {
    let mut world = World::new(epoch);
    for part in split(data, b"\r\n%%\r\n") {
        let outputs =
            world.input(Input::Datagram { source: peer(), local: local(), bytes: Bytes::copy_from_slice(part) });
        world.serve(outputs, part.len());
        world.pass(Duration::from_millis(u64::try_from(part.len()).unwrap_or(0)));
    }
    world.pass(Duration::from_secs(3_600));
    assert_eq!(world.endpoint.server_transactions(), 0);
    assert_eq!(world.endpoint.client_transactions(), 0);
}

fn split<'a>(data: &'a [u8], by: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.windows(by.len()).position(|window| window == by) {
            Some(at) => {
                rest = text.get(at + by.len()..);
                text.get(..at)
            }
            None => rest.take(),
        }
    })
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

fn local() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 9], 8060))
}

/// An endpoint with the dialogs that it started.
struct World {
    now: Instant,
    endpoint: Endpoint,
    dialogs: Vec<Dialog>,
    finals: std::collections::HashMap<ServerKey, Status>,
}

impl World {
    fn new(now: Instant) -> Self {
        let endpoint = Endpoint::new(EndpointConfig::default(), Seed(1));
        Self { now, endpoint, dialogs: Vec::new(), finals: std::collections::HashMap::new() }
    }

    fn input(&mut self, input: Input) -> Vec<Output> {
        let bytes = match &input {
            Input::StreamData { bytes, .. } => bytes.len(),
            _ => 0,
        };
        self.endpoint.handle_input(self.now, input);
        self.drain(8 + bytes)
    }

    fn drain(&mut self, max: usize) -> Vec<Output> {
        let outputs: Vec<_> = std::iter::from_fn(|| self.endpoint.poll_output()).collect();
        assert!(outputs.len() <= max, "{} outputs of one input", outputs.len());
        outputs
    }

    /// Plays the owners: `chance` decides how a call is answered.
    fn serve(&mut self, outputs: Vec<Output>, chance: usize) {
        let mut waiting = std::collections::VecDeque::from(outputs);
        while let Some(output) = waiting.pop_front() {
            match output {
                Output::Invite(invite) => {
                    let config = Arc::new(DialogConfig::default());
                    let mut dialog = Dialog::answer(config, Seed(2), self.now, *invite);
                    match chance % 4 {
                        0 => dialog.handle_input(self.now, dialog::Input::Accept { body: Bytes::from_static(b"v=0") }),
                        1 => dialog.handle_input(self.now, dialog::Input::Hangup),
                        _ => {}
                    }
                    self.dialogs.push(dialog);
                }
                Output::Options(options) => {
                    let response = Box::new(Response::to(&options.request, Status::OK));
                    let command = Command::Respond { transaction: options.transaction, response };
                    waiting.extend(self.input(Input::Command(command)));
                }
                Output::Dialog { dialog, signal } => self.signal(dialog, signal, chance),
                Output::Transmit { bytes, .. } => drop(bytes),
                Output::CloseStream { .. } => {}
            }
            waiting.extend(self.drain_dialogs());
        }
    }

    fn signal(&mut self, key: DialogKey, signal: Signal, chance: usize) {
        if let Some(dialog) = self.dialogs.iter_mut().find(|dialog| dialog.key() == key) {
            dialog.handle_input(self.now, dialog::Input::Signal(signal));
            if chance.is_multiple_of(2) {
                dialog.handle_input(self.now, dialog::Input::Accept { body: Bytes::from_static(b"v=0") });
            }
        }
    }

    /// Carries the commands of all dialogs to the endpoint.
    fn drain_dialogs(&mut self) -> Vec<Output> {
        let mut commands = Vec::new();
        for dialog in &mut self.dialogs {
            while let Some(output) = dialog.poll_output() {
                match output {
                    dialog::Output::Command(command) => commands.push(command),
                    dialog::Output::Event(_) => {}
                }
            }
        }
        self.dialogs.retain(|dialog| !dialog.is_terminated());
        commands.into_iter().flat_map(|command| self.command(command)).collect()
    }

    fn command(&mut self, command: Command) -> Vec<Output> {
        if let Command::Respond { transaction, response } = &command
            && !response.status.is_provisional()
        {
            let first = *self.finals.entry(*transaction).or_insert(response.status);
            assert_eq!(first, response.status, "two different final responses");
        }
        self.input(Input::Command(command))
    }

    /// Lets time pass from timer to timer.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = self.dialogs.iter().filter_map(Dialog::poll_timeout).chain(self.endpoint.poll_timeout()).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            self.endpoint.handle_timeout(self.now);
            assert!(self.endpoint.poll_timeout().is_none_or(|at| at > self.now), "a timer is in the past");
            for dialog in &mut self.dialogs {
                dialog.handle_timeout(self.now);
                assert!(dialog.poll_timeout().is_none_or(|at| at > self.now), "a timer is in the past");
            }
            let outputs = self.drain(usize::MAX);
            self.serve(outputs, 0);
            let more = self.drain_dialogs();
            self.serve(more, 0);
        }
        self.now = end;
    }
}
