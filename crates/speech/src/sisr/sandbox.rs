//! Where scripts of grammars run: an ECMAScript engine without anything of this process in it, made for one
//! interpretation.
//!
//! What a script may take is counted and not measured, so the same script fails everywhere or nowhere: calls and turns of
//! loops by the engine, what built-in functions walk over by `sandbox.js`, bytes by the engine's allocator, and the depth
//! of calls by its stack. The stack is a part of the caller's.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use rquickjs::{
    CatchResultExt, CaughtError, Context, Function, Object, Runtime, Type, Value,
    context::{EvalOptions, intrinsic},
};

use super::{
    SemanticsError,
    program::{Program, readable},
};

/// What a script can reach before `sandbox.js` has taken most of it away.
type Intrinsics = (intrinsic::Eval, intrinsic::Date, intrinsic::RegExpCompiler, intrinsic::RegExp, intrinsic::Json);

/// Bytes of the engine and all that a script keeps in it. The engine itself takes about 150,000.
const MEMORY_BYTES_MAX: usize = 384 * 1024;
/// Bytes of stack: enough for rules nested as deeply as is allowed, and a fraction of a thread's.
const STACK_BYTES_MAX: usize = 256 * 1024;
/// The engine asks after 10,000 calls and turns of loops whether it may go on. It may so many times.
const TURNS_MAX: u32 = 3;

const SANDBOX: &str = include_str!("sandbox.js");
const RULE_SCOPE: &str = include_str!("rule_scope.js");

struct Sandbox {
    // The context goes before the engine it lives in.
    context: Context,
    _runtime: Runtime,
    turns: Arc<AtomicU32>,
}

/// Runs a script and gives its value as JSON; `None` for `undefined`.
pub(super) fn run(program: &Program) -> Result<Option<String>, SemanticsError> {
    let sandbox = Sandbox::new()?;
    sandbox.context.with(|ctx| {
        let value = ctx.eval_with_options(SANDBOX, sloppy()).and_then(|to_json: Function<'_>| {
            let () = ctx.eval_with_options(RULE_SCOPE, sloppy())?;
            let value: Value<'_> = ctx.eval_with_options(program.script.as_str(), sloppy())?;
            to_json.call::<_, Option<String>>((value,))
        });
        value.catch(&ctx).map_err(|error| sandbox.failure(&error))
    })
}

/// Reads scripts without running them.
pub(super) fn check<'a>(scripts: impl Iterator<Item = (usize, &'a str)>) -> Result<(), (usize, SemanticsError)> {
    let sandbox = Sandbox::new().map_err(|error| (0, error))?;
    sandbox.context.with(|ctx| {
        for (index, script) in scripts {
            let script = readable(script).map_err(|error| (index, error))?;
            let source = format!("(function () {{ {{{script}\n}} }}); 0");
            let read: rquickjs::Result<i32> = ctx.eval_with_options(source, sloppy());
            read.catch(&ctx).map_err(|error| (index, sandbox.failure(&error)))?;
        }
        Ok(())
    })
}

fn sloppy() -> EvalOptions {
    // Grammars were written for an ECMAScript without strict mode.
    let mut options = EvalOptions::default();
    options.strict = false;
    options
}

impl Sandbox {
    fn new() -> Result<Self, SemanticsError> {
        let no_engine = |error: rquickjs::Error| SemanticsError::limit(format!("no script engine: {error}"));
        let runtime = Runtime::new().map_err(no_engine)?;
        runtime.set_memory_limit(MEMORY_BYTES_MAX);
        runtime.set_max_stack_size(STACK_BYTES_MAX);
        let turns = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&turns);
        runtime.set_interrupt_handler(Some(Box::new(move || counter.fetch_add(1, Ordering::Relaxed) >= TURNS_MAX)));
        let context = Context::custom::<Intrinsics>(&runtime).map_err(no_engine)?;
        Ok(Self { context, _runtime: runtime, turns })
    }

    fn failure(&self, error: &CaughtError<'_>) -> SemanticsError {
        if self.turns.load(Ordering::Relaxed) > TURNS_MAX {
            return SemanticsError::limit("the script does not come to an end");
        }
        match error {
            CaughtError::Exception(exception) => {
                let message = exception.message().unwrap_or_default();
                let name = name_of(exception.as_object());
                let is_limit = name == "InternalError"
                    || name == "RangeError" && (message.contains("walks over") || message.contains("call stack"))
                    || message.contains("out of memory");
                let message: String = format!("{name}: {message}").chars().take(200).collect();
                if is_limit { SemanticsError::limit(message) } else { SemanticsError::script(message) }
            }
            CaughtError::Value(value) if matches!(value.type_of(), Type::Null | Type::Uninitialized) => {
                SemanticsError::limit("the script takes too much memory")
            }
            CaughtError::Value(_) => SemanticsError::script("the script threw a value that is no Error"),
            CaughtError::Error(error) => SemanticsError::script(format!("the script cannot be run: {error}")),
        }
    }
}

fn name_of(object: &Object<'_>) -> String {
    object.get::<_, String>("name").unwrap_or_else(|_| "Error".to_owned())
}
