"""A complete dialog service: it takes a table reservation.

Run it with `python service.py [HOST:PORT]` after `python generate.py`; see README.md. It shows what a service has to do: stream its
replies, remember what was answered, keep to what was heard, fill slots, ask again, hand over, and hang up.
"""

import json
import re
import sys
import threading
import time
from concurrent import futures
from dataclasses import dataclass, field

import grpc

from voxgate.dialog.v1 import dialog_pb2 as pb
from voxgate.dialog.v1 import dialog_pb2_grpc

NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
# A conversation that nothing was heard of for so long is forgotten.
IDLE_SECONDS = 900
CONVERSATIONS_MAX = 10_000


@dataclass
class Reservation:
    """What the flow wants to know."""

    people: int | None = None
    day: str | None = None

    def as_json(self):
        return json.dumps({"people": self.people, "day": self.day})


@dataclass
class Conversation:
    """One conversation. Its lock is held while it is read or changed, never while a reply is streamed."""

    id: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    form: Reservation = field(default_factory=Reservation)
    # The turn that was answered last, its reply, and how often the caller could not be understood in a row.
    turn: int = 0
    reply: list = field(default_factory=list)
    misses: int = 0
    # What was said, as far as it was heard: pb.Line.
    transcript: list = field(default_factory=list)
    intents: list = field(default_factory=list)
    outcome: str = "abandoned"
    over: bool = False
    record: pb.Record | None = None
    used: float = field(default_factory=time.monotonic)

    def answer(self, turn, caller):
        """Decides what is said to `caller`, the pb.CallerInput; greets where there is none. Returns the events of the reply."""
        said = (caller.dtmf or caller.transcript).lower() if caller else ""
        events = []

        def event(**what):
            events.append(pb.TurnEvent(turn_id=turn, **what))

        def say(text, **how):
            event(text=pb.Text(text=text, language="en-US", **how))

        def listen(**how):
            event(listening=pb.Listening(**how))

        def ask():
            """The question that is still open."""
            if self.form.people is None:
                say(" For how many people?", cacheable=True)
                listen(expects=pb.Listening.EXPECTS_NUMBER)
            else:
                say(" For which day?", cacheable=True)
                listen(expects=pb.Listening.EXPECTS_DATE_TIME, hints=DAYS)

        def act(**what):
            event(action=pb.Action(**what))

        intent = "answer"
        if caller is None:
            # A notice that has to be heard is a clause that may not be interrupted.
            say("This call may be recorded.", barge_in=pb.BARGE_IN_NOT_ALLOWED, cacheable=True, clause_end=True)
            say(" Good day, this is the Golden Lion.", cacheable=True)
            event(policy=pb.CallPolicy(backchannels=["okay", "right"], fillers=["One moment."], filler_after_ms=1200))
            ask()
            event(end=pb.TurnEnd())
            return events
        if re.search(r"\b(person|human|manager|somebody)\b", said):
            intent, self.outcome, self.over = "person", "transferred", True
            say("I connect you.", cacheable=True)
            act(transfer=pb.Transfer(target="manager", summary=f"Reservation so far: {self.form.as_json()}"))
        elif re.search(r"\b(bye|nothing|forget it)\b", said):
            intent, self.outcome, self.over = "refuse", "refused", True
            say("Goodbye.", cacheable=True)
            act(hangup=pb.Hangup(reason="refused"))
        elif not said or caller.kind in (pb.CallerInput.KIND_NO_INPUT, pb.CallerInput.KIND_NO_MATCH):
            intent = "silence" if not said else "unclear"
            self.misses += 1
            if self.misses >= 3:
                self.outcome, self.over = "unclear", True
                say("Please call again. Goodbye.", cacheable=True)
                act(hangup=pb.Hangup(reason="unclear"))
            else:
                say("Are you still there?" if not said else "I did not understand that.", cacheable=True)
                ask()
        elif self.fill(said):
            self.misses = 0
            if self.form.people is None or self.form.day is None:
                say("Thank you.", cacheable=True)
                ask()
            else:
                self.outcome, self.over = "booked", True
                # Pieces may be as small as a language model's tokens.
                for piece in ["A table ", f"for {self.form.people} ", f"on {self.form.day.capitalize()}. ", "Goodbye."]:
                    say(piece)
                act(hangup=pb.Hangup(reason="booked"))
        else:
            intent = "unclear"
            self.misses += 1
            say("I did not understand that.", cacheable=True)
            ask()
        event(intent=pb.Intent(name=intent))
        event(slots=pb.Slots(form_json=self.form.as_json()))
        event(end=pb.TurnEnd())
        if intent not in self.intents:
            self.intents.append(intent)
        return events

    def fill(self, said):
        """Takes what is in `said` into the form. Whether there was anything."""
        found = False
        number = next((NUMBERS[word] for word in re.findall(r"\w+", said) if word in NUMBERS), None)
        digits = re.search(r"\b([1-8])\b", said)
        if number or digits:
            self.form.people = number or int(digits.group(1))
            found = True
        for day in DAYS:
            if day in said:
                self.form.day = day
                found = True
        return found

    def note(self, turn, caller, events):
        """Writes down a turn and the reply to it, as if all of the reply were heard."""
        if caller is not None:
            text = caller.dtmf or caller.transcript
            self.transcript.append(pb.Line(speaker=pb.Line.SPEAKER_CALLER, text=text, turn_id=turn))
        text = "".join(event.text.text for event in events if event.HasField("text")).strip()
        self.transcript.append(pb.Line(speaker=pb.Line.SPEAKER_ROBOT, text=text, turn_id=turn))

    def heard(self, heard):
        """Cuts the last reply to what was heard of it. What is about an older one is ignored."""
        if heard.complete or heard.turn_id != self.turn:
            return
        for line in reversed(self.transcript):
            if line.speaker == pb.Line.SPEAKER_ROBOT and line.turn_id == heard.turn_id:
                line.text = heard.text
                return

    def close(self, request):
        """The record: the same one however often it is asked for."""
        if self.record is None:
            if request.HasField("heard"):
                self.heard(request.heard)
            self.over = True
            self.record = pb.Record(
                conversation_id=self.id,
                flow="reservation",
                flow_version="1",
                language="en-US",
                form_json=self.form.as_json(),
                transcript=self.transcript,
                outcome=self.outcome,
                intents=self.intents,
                follow_ups=[] if self.outcome == "booked" else ["Call back about a reservation."],
                written_by="rules",
            )
        return self.record


class Reservations(dialog_pb2_grpc.DialogServicer):
    """The service. gRPC calls its methods on threads of a pool."""

    def __init__(self):
        self.lock = threading.Lock()
        self.conversations = {}

    def find(self, id, context):
        with self.lock:
            conversation = self.conversations.get(id)
        if conversation is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such conversation")
        conversation.used = time.monotonic()
        return conversation

    def forget_idle(self):
        oldest = time.monotonic() - IDLE_SECONDS
        for id in [id for id, known in self.conversations.items() if known.used < oldest]:
            del self.conversations[id]

    def GetCapabilities(self, request, context):
        flow = pb.FlowInfo(name="reservation", version="1", languages=["en-US"])
        return pb.Capabilities(service="reservations-python/1", flows=[flow])

    def StartConversation(self, request, context):
        if not request.conversation_id:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a conversation needs an id")
        if request.flow not in ("", "reservation"):
            context.abort(grpc.StatusCode.NOT_FOUND, "there is one flow: reservation")
        with self.lock:
            self.forget_idle()
            conversation = self.conversations.get(request.conversation_id)
            if conversation is None:
                if len(self.conversations) >= CONVERSATIONS_MAX:
                    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many conversations")
                conversation = Conversation(request.conversation_id)
                conversation.reply = conversation.answer(0, None)
                conversation.note(0, None, conversation.reply)
                self.conversations[request.conversation_id] = conversation
        # Asked again, it replays the last reply: the caller's server may be another one now.
        yield from list(conversation.reply)

    def TakeTurn(self, request, context):
        conversation = self.find(request.conversation_id, context)
        with conversation.lock:
            if request.turn_id < conversation.turn:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, "an older turn than the last")
            # The same turn again is answered with the same events: the first answer was lost on its way.
            if request.turn_id > conversation.turn:
                if conversation.over:
                    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the conversation is over")
                if request.HasField("heard"):
                    conversation.heard(request.heard)
                events = conversation.answer(request.turn_id, request.input)
                conversation.turn, conversation.reply = request.turn_id, events
                conversation.note(request.turn_id, request.input, events)
            events = list(conversation.reply)
        # Everything is remembered by now, so a caller who interrupts and cancels the stream harms nothing.
        yield from events

    def Interrupt(self, request, context):
        conversation = self.find(request.conversation_id, context)
        with conversation.lock:
            conversation.heard(request.heard)
        return pb.InterruptResponse()

    def EndConversation(self, request, context):
        conversation = self.find(request.conversation_id, context)
        with conversation.lock:
            return pb.EndConversationResponse(record=conversation.close(request))


def serve(address):
    server = grpc.server(futures.ThreadPoolExecutor(32))
    dialog_pb2_grpc.add_DialogServicer_to_server(Reservations(), server)
    host = address.rsplit(":", 1)[0]
    port = server.add_insecure_port(address)
    server.start()
    # Whoever started us with port 0 reads here which one it is.
    print(f"listening on {host}:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    serve(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9070")
