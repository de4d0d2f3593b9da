//! A document in the making: binary JSON that is opened only where changes lead through it.
//!
//! What no change touches stays the bytes it was. Key order is the server's own: shorter keys first,
//! then by bytes.

use std::borrow::Cow;

use super::container::Value;

/// A document and what was changed in it.
#[derive(Debug)]
pub(super) struct Document<'a> {
    root: Node<'a>,
    /// Entries that may still be opened: a sound document has fewer than it has bytes.
    budget: usize,
}

/// One value of a document.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// As it lies in the document or in the change that brought it.
    Closed(Value<'a>),
    /// Members in key order.
    Object(Vec<(Cow<'a, [u8]>, Node<'a>)>),
    /// Elements.
    Array(Vec<Node<'a>>),
}

/// One step from a container to one of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leg<'a> {
    /// The member with this key.
    Member(Cow<'a, [u8]>),
    /// The element with this index.
    Cell(usize),
    /// The element that is so many before the last one.
    CellFromEnd(usize),
}

impl<'a> Document<'a> {
    /// A document that changes of `changes` bytes will be applied to.
    pub(super) fn new(document: &'a [u8], changes: usize) -> Self {
        let budget = document.len().saturating_add(changes);
        Self { root: Node::Closed(Value::of_document(document)), budget }
    }

    pub(super) const fn root(&self) -> &Node<'a> {
        &self.root
    }

    /// Puts a value in the place of the one that is there.
    pub(super) fn replace(&mut self, path: &[Leg<'a>], value: Value<'a>) -> Applied {
        let (last, parent) = path.split_last().ok_or(NO_FIT)?;
        *self.seek(parent)?.entry(last)? = Node::Closed(value);
        Ok(())
    }

    /// Adds a member that is not there, or an element in front of the one that is.
    pub(super) fn insert(&mut self, path: &[Leg<'a>], value: Value<'a>) -> Applied {
        let (last, parent) = path.split_last().ok_or(NO_FIT)?;
        match (self.seek(parent)?, last) {
            (Node::Object(members), Leg::Member(key)) => match position(members, key) {
                Ok(_) => return Err(NO_FIT),
                Err(free) => members.insert(free, (key.clone(), Node::Closed(value))),
            },
            (Node::Array(elements), Leg::Cell(index)) => {
                elements.insert((*index).min(elements.len()), Node::Closed(value));
            }
            (Node::Array(elements), Leg::CellFromEnd(back)) => {
                let index = elements.len().saturating_sub(back.saturating_add(1));
                elements.insert(index, Node::Closed(value));
            }
            _ => return Err(NO_FIT),
        }
        Ok(())
    }

    /// Takes out a member or element.
    pub(super) fn remove(&mut self, path: &[Leg<'a>]) -> Applied {
        let (last, parent) = path.split_last().ok_or(NO_FIT)?;
        match (self.seek(parent)?, last) {
            (Node::Object(members), Leg::Member(key)) => {
                let index = position(members, key).map_err(|_| NO_FIT)?;
                members.remove(index);
            }
            (Node::Array(elements), leg) => {
                let index = leg.index(elements.len()).ok_or(NO_FIT)?;
                elements.remove(index);
            }
            _ => return Err(NO_FIT),
        }
        Ok(())
    }

    /// The container at the end of a path, opened.
    fn seek(&mut self, path: &[Leg<'a>]) -> Result<&mut Node<'a>, &'static str> {
        let Self { root, budget } = self;
        let mut node = root;
        node.open(budget)?;
        for leg in path {
            node = node.entry(leg)?;
            node.open(budget)?;
        }
        Ok(node)
    }
}

impl<'a> Node<'a> {
    /// Makes entries of a container's bytes.
    fn open(&mut self, budget: &mut usize) -> Applied {
        let Self::Closed(value) = self else { return Ok(()) };
        let mut entries = value.container().ok_or(NO_FIT)??;
        let (mut members, mut elements) = (Vec::new(), Vec::new());
        while let Some((key, value)) = entries.next_entry()? {
            *budget =
                budget.checked_sub(1).ok_or("its JSON opens the same bytes again and again")?;
            if entries.is_object() {
                members.push((Cow::Borrowed(key), Self::Closed(value)));
            } else {
                elements.push(Self::Closed(value));
            }
        }
        *self = if entries.is_object() { Self::Object(members) } else { Self::Array(elements) };
        Ok(())
    }

    /// The entry that a leg leads to.
    fn entry(&mut self, leg: &Leg<'a>) -> Result<&mut Self, &'static str> {
        let entry = match (self, leg) {
            (Self::Object(members), Leg::Member(key)) => {
                let index = position(members, key).map_err(|_| NO_FIT)?;
                members.get_mut(index).map(|(_, member)| member)
            }
            (Self::Array(elements), leg) => {
                let index = leg.index(elements.len()).ok_or(NO_FIT)?;
                elements.get_mut(index)
            }
            _ => None,
        };
        entry.ok_or(NO_FIT)
    }
}

impl Leg<'_> {
    /// The index it means in an array of this length, if there is such an element.
    fn index(&self, length: usize) -> Option<usize> {
        match self {
            Self::Member(_) => None,
            Self::Cell(index) => Some(*index).filter(|index| *index < length),
            Self::CellFromEnd(back) => length.checked_sub(back.checked_add(1)?),
        }
    }
}

/// Where a key is, or where it belongs.
fn position(members: &[(Cow<'_, [u8]>, Node<'_>)], key: &[u8]) -> Result<usize, usize> {
    members.binary_search_by(|(other, _)| (other.len(), &**other).cmp(&(key.len(), key)))
}

pub(super) type Applied = Result<(), &'static str>;

/// What a replica says with `ER_COULD_NOT_APPLY_JSON_DIFF`.
const NO_FIT: &str = "its partial JSON update does not fit the document that it changes";
