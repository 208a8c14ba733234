//! What stays the same for one query, although it may change meanwhile.
//!
//! A query meets the same changeable thing several times: when it is planned,
//! for each selector, and when groups are put together. What it met first is
//! kept here and met again. This stage does not know what it is that is kept:
//! those that fetch and merge know, and only they name its type, so that the
//! line between API and data stays where it is.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Things by their type and a number. Cloning shares them, and so do the
/// clones of a [`super::Context`].
#[derive(Clone, Default)]
pub struct Pinned(Arc<Mutex<Things>>);

type Things = HashMap<(TypeId, usize), Arc<dyn Any + Send + Sync>>;

impl Pinned {
    /// The thing of this type with this number: at first what `current` gives,
    /// and that ever after.
    pub fn pin<T: Any + Send + Sync>(
        &self,
        number: usize,
        current: impl FnOnce() -> Arc<T>,
    ) -> Arc<T> {
        let mut things = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let thing = things.entry((TypeId::of::<T>(), number)).or_insert_with(|| current());
        Arc::clone(thing).downcast().expect("the key holds the type")
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_kept_for_all_clones_by_type_and_number() {
        let pinned = Pinned::default();
        let clone = pinned.clone();
        assert_eq!(*pinned.pin(0, || Arc::new(1_u8)), 1);
        assert_eq!(*clone.pin(0, || Arc::new(2_u8)), 1);
        assert_eq!(*clone.pin(1, || Arc::new(3_u8)), 3);
        assert_eq!(*clone.pin(0, || Arc::new(4_u16)), 4);
        assert_eq!(*Pinned::default().pin(0, || Arc::new(5_u8)), 5);
    }
}
