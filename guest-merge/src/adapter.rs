//! The component around the rule: the contract's types in, the crate's out.
//!
//! Compiled for wasm only. It brings what a component without `std` must have
//! of its own (allocator, panic handler, the allocation function that the host
//! calls), so that it imports nothing.
//!
//! The bindings are checked in because generating them in the build costs
//! half a minute each time. After a change of `wit/merge.wit`:
//!
//! ```text
//! cargo install wit-bindgen-cli@0.63.0 --locked --no-default-features --features rust
//! wit-bindgen rust --world merge-policy --pub-export-macro --std-feature \
//!     --out-dir /tmp wit/merge.wit
//! ```
//!
//! and put the result below the first line of `adapter/bindings.rs`. A test
//! notices bindings that are older than the contract.
#![expect(unsafe_code, reason = "the canonical ABI exchanges raw memory")]

#[rustfmt::skip]
#[allow(warnings, reason = "generated")]
mod bindings;

use alloc::alloc::{Layout, alloc, realloc};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};

use bindings::exports::promweave::merge::policy;

use crate::{Batch, NAME, Plan, SCHEMA, Settings, Terms};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Allocates for the host, which writes arguments there; the canonical ABI's
/// `realloc`.
///
/// # Safety
/// `old` is null with `old_size` 0, or was allocated here with that size and
/// alignment.
// SAFETY: nothing else in the component exports this name.
#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    if new_size == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    // SAFETY: the ABI gives alignments of 1, 2, 4 or 8 and sizes within linear
    // memory, which make valid layouts; `old` is as promised by the caller.
    let new = unsafe {
        if old_size == 0 {
            alloc(Layout::from_size_align_unchecked(new_size, align))
        } else {
            realloc(old, Layout::from_size_align_unchecked(old_size, align), new_size)
        }
    };
    if new.is_null() {
        core::arch::wasm32::unreachable()
    }
    new
}

// Copying and comparing memory: the target takes them from its C library, of
// which nothing else is linked.
#[link(name = "c")]
unsafe extern "C" {}

struct Component;

#[allow(unreachable_pub, reason = "generated")]
mod exports {
    // SAFETY: the exported names are those of the contract, and only this
    // macro exports them.
    super::bindings::export!(Component with_types_in super::bindings);
    use super::Component;
}

/// The settings of this instance.
///
/// A component has one thread and the host calls one function at a time.
struct Configured(core::cell::RefCell<Settings>);

// SAFETY: there are no threads in the component.
unsafe impl Sync for Configured {}

static CONFIGURED: Configured = Configured(core::cell::RefCell::new(Settings::DEFAULT));

impl policy::Guest for Component {
    fn describe() -> policy::Description {
        policy::Description {
            name: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings_schema: SCHEMA.to_owned(),
        }
    }

    fn configure(settings: String) -> Result<policy::Terms, String> {
        let settings = Settings::from_json(&settings)?;
        let terms = settings.terms();
        CONFIGURED.0.replace(settings);
        Ok(terms.into())
    }

    fn plan(batch: policy::Batch) -> Result<policy::Decision, String> {
        let policy::Batch { replicas, offsets, timestamps, values, .. } = &batch;
        let columns = Batch::new(*replicas as usize, offsets, timestamps, values);
        let plan = crate::plan(&CONFIGURED.0.borrow(), &columns).map_err(|e| e.to_string())?;
        Ok(plan.into())
    }
}

impl From<Terms> for policy::Terms {
    fn from(terms: Terms) -> Self {
        let samples = terms.needs_samples;
        Self {
            needs: if samples { policy::Needs::Samples } else { policy::Needs::Timelines },
            may_synthesise: terms.may_synthesise,
            span: terms
                .span
                .map(|span| policy::Span { before_ms: span.before_ms, after_ms: span.after_ms }),
            keeps_lone_replica: terms.keeps_lone_replica,
            no_false_resets: terms.no_false_resets,
        }
    }
}

impl From<Plan> for policy::Decision {
    fn from(plan: Plan) -> Self {
        Self {
            runs: plan.runs,
            ends: plan.ends,
            synthesised_times: plan.synthesised_times,
            synthesised_values: plan.synthesised_values,
            synthesised_ends: plan.synthesised_ends,
        }
    }
}
