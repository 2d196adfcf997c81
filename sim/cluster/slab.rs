//! A table whose places are used again: ids stay small, memory follows what lives now.

use crate::kernel::memory;

/// Values by place; the place freed last is filled first.
#[derive(Clone, Debug)]
pub struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Bytes of its places, taken or free; what values hold besides is not counted.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.places) + memory::of_vec(&self.free)
    }

    /// Bytes of one in which so many values have been at a time, all of which may be gone.
    pub fn held_for(values: u64) -> u64 {
        memory::of_grown::<Option<T>>(values) + memory::of_grown::<u32>(values)
    }

    /// Puts `value` somewhere and tells where.
    #[inline(always)]
    pub fn insert(&mut self, value: T) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| self.add_place());
        self.places[place as usize] = Some(value);
        place
    }

    #[cold]
    #[inline(never)]
    fn add_place(&mut self) -> u32 {
        self.places.push(None);
        (self.places.len() - 1) as u32
    }

    /// Takes the value at `place` out.
    ///
    /// # Panics
    /// If nothing is there: an event names something that is gone.
    #[inline(always)]
    pub fn remove(&mut self, place: u32) -> T {
        let value = self.places[place as usize]
            .take()
            .expect("invariant K2: an event names a freed place");
        self.free.push(place);
        value
    }

    /// The value at `place`.
    ///
    /// # Panics
    /// If nothing is there.
    #[inline(always)]
    pub fn get(&self, place: u32) -> &T {
        self.places[place as usize]
            .as_ref()
            .expect("invariant K2: an event names a freed place")
    }

    /// The value at `place`, if there is one.
    #[inline]
    pub fn find(&self, place: u32) -> Option<&T> {
        self.places.get(place as usize)?.as_ref()
    }

    /// The value at `place`, to change it, if there is one.
    pub fn find_mut(&mut self, place: u32) -> Option<&mut T> {
        self.places.get_mut(place as usize)?.as_mut()
    }

    /// The value at `place`, to change it.
    ///
    /// # Panics
    /// If nothing is there.
    #[inline(always)]
    pub fn get_mut(&mut self, place: u32) -> &mut T {
        self.places[place as usize]
            .as_mut()
            .expect("invariant K2: an event names a freed place")
    }

    /// How many values live.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether no value lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All living values with their places, by place.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(place, value)| Some((place as u32, value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_places_are_filled_again() {
        let mut slab = Slab::default();
        let (a, b) = (slab.insert('a'), slab.insert('b'));
        assert_eq!(slab.remove(a), 'a');
        assert_eq!(slab.insert('c'), a);
        assert_eq!((slab.len(), *slab.get(a), *slab.get(b)), (2, 'c', 'b'));
        assert_eq!(slab.iter().map(|(_, v)| *v).collect::<String>(), "cb");
    }
}
