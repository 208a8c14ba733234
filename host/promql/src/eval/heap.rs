//! Go's binary heap, step for step: which of equal samples `topk` keeps
//! depends on it.

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
        heap.sort_unstable();
        assert_eq!(heap, [3, 5, 8, 9]);
    }
}
