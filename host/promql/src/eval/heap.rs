//! Go's binary heap and small sorts, step for step: which of equal samples
//! `topk` keeps, and in which order, depends on them.

/// Adds an item to a heap whose first item is the least.
pub(super) fn push<T>(heap: &mut Vec<T>, item: T, less: impl Fn(&T, &T) -> bool) {
    heap.push(item);
    let mut place = heap.len() - 1;
    while place > 0 {
        let parent = (place - 1) / 2;
        if !less(&heap[place], &heap[parent]) {
            break;
        }
        heap.swap(place, parent);
        place = parent;
    }
}

/// Replaces the first item.
pub(super) fn replace_first<T>(heap: &mut [T], item: T, less: impl Fn(&T, &T) -> bool) {
    heap[0] = item;
    let mut place = 0;
    loop {
        let left = 2 * place + 1;
        if left >= heap.len() {
            return;
        }
        let right = left + 1;
        let child =
            if right < heap.len() && less(&heap[right], &heap[left]) { right } else { left };
        if !less(&heap[child], &heap[place]) {
            return;
        }
        heap.swap(place, child);
        place = child;
    }
}

/// Sorts: by insertion as Go does up to twelve items, stably above, where the
/// order of equal items is nobody's promise.
pub(super) fn sort<T>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    const INSERTION: usize = 12;
    if items.len() > INSERTION {
        items.sort_by(|a, b| match (less(a, b), less(b, a)) {
            (true, false) => std::cmp::Ordering::Less,
            (false, true) => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        });
        return;
    }
    for end in 1..items.len() {
        let mut place = end;
        while place > 0 && less(&items[place], &items[place - 1]) {
            items.swap(place, place - 1);
            place -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heap_keeps_the_least_in_front() {
        let less = |a: &i32, b: &i32| a < b;
        let mut heap = Vec::new();
        for item in [5, 3, 8, 1] {
            push(&mut heap, item, less);
        }
        assert_eq!(heap[0], 1);
        replace_first(&mut heap, 9, less);
        assert_eq!(heap[0], 3);
        sort(&mut heap, less);
        assert_eq!(heap, [3, 5, 8, 9]);
    }
}
