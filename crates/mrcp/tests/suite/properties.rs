//! Laws that hold for random bytes, messages and operations.

use mrcp::{
    EventName, Framer, HeaderName, Headers, Limits, Message, Method, RequestId, RequestState, Resource, StatusCode,
};
use mrcp::{VendorParameters, fuzz};
use proptest::prelude::*;

use crate::common::channel;

fn header_values() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("[A-Za-z][A-Za-z0-9-]{0,20}", "[ -~é中]{0,40}"), 0..8)
}

fn headers(fields: Vec<(String, String)>) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in fields {
        let name = HeaderName::from_token(&name);
        if !matches!(name, HeaderName::ChannelIdentifier | HeaderName::ContentLength) {
            headers.push(name, value);
        }
    }
    headers
}

prop_compose! {
    fn messages()(
        kind in 0..3,
        id in any::<u32>(),
        token in "[A-Z][A-Z-]{0,20}",
        status in 100_u16..=999,
        state in prop_oneof![Just(RequestState::Pending), Just(RequestState::InProgress), Just(RequestState::Complete)],
        fields in header_values(),
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) -> Message {
        let request = mrcp::Request {
            channel: channel(Resource::SpeechRecog),
            id: RequestId(id),
            method: Method::from_token(&token),
            headers: headers(fields),
            body: body.into(),
        };
        let (channel, id, headers, body) = (request.channel.clone(), request.id, request.headers.clone(), request.body.clone());
        match kind {
            0 => Message::Request(request),
            1 => {
                let status = StatusCode::new(status).unwrap();
                Message::Response(mrcp::Response { channel, id, status, state, headers, body })
            }
            _ => Message::Event(mrcp::Event { channel, id, name: EventName::from_token(&token), state, headers, body }),
        }
    }
}

proptest! {
    #[test]
    fn frm_001_frm_007_hdr_017_a_printed_message_reads_back_the_same(message in messages()) {
        let mut framer = Framer::new(Limits::default());
        framer.push(&message.encode());
        prop_assert_eq!(framer.next_message(), Some(Ok(message)));
        prop_assert_eq!(framer.next_message(), None);
    }

    #[test]
    fn frm_014_pipelined_messages_come_out_in_order_however_they_are_cut(
        sent in prop::collection::vec(messages(), 1..6),
        piece in 1_usize..200,
    ) {
        let stream: Vec<u8> = sent.iter().flat_map(|message| message.encode().to_vec()).collect();
        let mut framer = Framer::new(Limits::default());
        let mut received = Vec::new();
        for part in stream.chunks(piece) {
            framer.push(part);
            while let Some(next) = framer.next_message() {
                received.push(next.unwrap());
            }
        }
        prop_assert_eq!(received, sent);
    }

    #[test]
    fn vendor_parameters_read_back_what_was_printed(pairs in prop::collection::vec(("[a-z.]{1,12}", "[ -~]{0,20}"), 0..6)) {
        let mut parameters = VendorParameters::default();
        for (name, value) in &pairs {
            parameters.set(name, value);
        }
        prop_assert_eq!(VendorParameters::parse(&parameters.to_string()), parameters);
    }

    #[test]
    fn sec_024_no_bytes_break_the_framer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::message(&bytes);
    }

    #[test]
    fn nearly_good_messages_do_not_break_the_framer(
        message in messages(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = message.encode().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fuzz::message(&bytes);
        fuzz::connection(testkit::epoch(), &bytes);
    }

    #[test]
    fn no_bytes_break_a_connection(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::connection(testkit::epoch(), &bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn frm_026_frm_027_frm_028_ghf_003_ghf_005_ghf_006_a_recognizer_keeps_its_laws_whatever_happens(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz::recognizer(testkit::epoch(), &bytes);
    }

    #[test]
    fn frm_026_frm_027_frm_028_ghf_003_ghf_005_ghf_006_a_recorder_keeps_its_laws_whatever_happens(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz::recorder(testkit::epoch(), &bytes);
    }

    #[test]
    fn frm_026_frm_027_frm_028_ghf_003_ghf_005_ghf_006_a_synthesizer_keeps_its_laws_whatever_happens(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz::synthesizer(testkit::epoch(), &bytes);
    }
}
