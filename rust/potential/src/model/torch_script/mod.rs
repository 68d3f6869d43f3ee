//! Reader of TorchScript files, `.pth`, as deepmd-kit's PyTorch backend freezes them.
//!
//! The attributes of the scripted module hold what the native form holds, under other names; they are put into its tree,
//! so that one reader interprets both. The program in the archive is not run.

mod archive;
mod calls;
mod descriptor;
mod fitting;
mod item;
mod pickle;

use super::zip::is_checkpoint;
use super::{Format, Model, brief, foreign, native};
use crate::Error;
use ::zip::ZipArchive;
use archive::Archive;
use item::{Item, Tensor};
use serde_json::{Value, json};
use std::io::Cursor;
use std::rc::Rc;

/// Reads a `.pth` file. `file` goes into messages.
///
/// # Errors
/// As [`super::read`]; [`Error::NeedsLibtorch`] for a model of energies that has no reader here.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let (archive, module) = Archive::open(bytes).map_err(|what| {
        if ZipArchive::new(Cursor::new(bytes)).is_ok_and(|zip| is_checkpoint(&zip)) {
            return foreign::checkpoint(file, "saved by PyTorch");
        }
        Error::Malformed {
            file: file.to_owned(),
            format: "TorchScript (.pth)",
            what: brief(&what),
        }
    })?;
    let mut tree = Tree {
        file,
        archive: &archive,
        tensors: Vec::new(),
        left: bytes.len(),
    };
    let model = tree.model(&module)?;
    let array = |number: u64| {
        let tensor = usize::try_from(number)
            .ok()
            .and_then(|number| tree.tensors.get(number));
        archive.numbers(tensor.ok_or("it is not an array")?)
    };
    native::read_tree(
        file,
        &json!({ "model": model }),
        Format::TorchScript,
        &array,
        bytes.len(),
    )
}

/// Translates attributes into the native tree.
struct Tree<'r, 'z> {
    file: &'r str,
    archive: &'r Archive<'z>,
    tensors: Vec<Rc<Tensor>>,
    /// Values that the tree may still have: a damaged file may use one object many times.
    left: usize,
}

impl Tree<'_, '_> {
    fn needs_libtorch(&self, feature: impl Into<String>) -> Error {
        Error::NeedsLibtorch {
            file: self.file.to_owned(),
            feature: feature.into(),
        }
    }

    fn inconsistent(&self, item: &str, what: impl Into<String>) -> Error {
        Error::Inconsistent {
            file: self.file.to_owned(),
            item: item.to_owned(),
            what: what.into(),
        }
    }

    fn attribute<'i>(&self, item: &'i Item, name: &str) -> Result<&'i Item, Error> {
        item.get(name).ok_or_else(|| {
            self.inconsistent(
                name,
                "the module has no such attribute; is it a Deep Potential model?",
            )
        })
    }

    /// A number of types.
    fn n_types(&self, item: &Item) -> Result<usize, Error> {
        match item.get("ntypes") {
            Some(&Item::Int(n)) => usize::try_from(n).ok(),
            _ => None,
        }
        .ok_or_else(|| self.inconsistent("ntypes", "it is not a number of types"))
    }

    /// Notes that the tree grows by so many values.
    fn grow(&mut self, values: usize) -> Result<(), Error> {
        self.left = self.left.checked_sub(values).ok_or_else(|| {
            self.inconsistent(
                "data.pkl",
                "it repeats itself more often than any model does",
            )
        })?;
        Ok(())
    }

    /// A scalar, text, tensor or flat list; `null` for everything else and for what is missing.
    fn value(&mut self, item: Option<&Item>) -> Result<Value, Error> {
        self.grow(1)?;
        Ok(match item {
            Some(Item::Tensor(tensor)) => {
                self.tensors.push(tensor.clone());
                Value::from(self.tensors.len() - 1)
            }
            Some(Item::Sequence(sequence)) => {
                self.grow(sequence.items.len())?;
                sequence.items.iter().map(scalar).collect()
            }
            Some(item) => scalar(item),
            None => Value::Null,
        })
    }

    /// An object of attributes, from pairs of their names here and there.
    fn values(&mut self, item: &Item, names: &[(&str, &str)]) -> Result<Value, Error> {
        let mut tree = json!({});
        for (theirs, ours) in names {
            tree[ours] = self.value(item.get(theirs))?;
        }
        Ok(tree)
    }

    fn model(&mut self, module: &Item) -> Result<Value, Error> {
        let unsupported = |feature: &str, remedy: &str| Error::Unsupported {
            file: self.file.to_owned(),
            feature: feature.to_owned(),
            remedy: remedy.to_owned(),
        };
        let Some(class) = module.class() else {
            return Err(foreign::checkpoint(self.file, "saved by PyTorch"));
        };
        if let Some(other) = other_quantity(class) {
            return Err(unsupported(other, "Energy models without spin are"));
        }
        let atomic = self.attribute(module, "atomic_model")?;
        if class != "EnergyModel" {
            return Err(self.needs_libtorch(format!("a model of class {}", brief(class))));
        }
        match atomic.class() {
            Some("DPEnergyAtomicModel" | "DPAtomicModel") => {}
            class => {
                let class = brief(class.unwrap_or("(none)"));
                return Err(self.needs_libtorch(format!("an atomic model of class {class}")));
            }
        }
        if matches!(atomic.get("add_chg_spin_ebd"), Some(Item::Bool(true))) {
            return Err(self.needs_libtorch("an embedding of charge and spin"));
        }
        let mut tree = self.values(atomic, &[("type_map", "type_map")])?;
        tree["type"] = "standard".into();
        tree["atom_exclude_types"] = self.excluded_types(atomic.get("atom_excl"))?;
        tree["pair_exclude_types"] = self.excluded_pairs(atomic.get("pair_excl"))?;
        tree["@variables"] = self.values(atomic, &[("out_bias", "out_bias")])?;
        tree["descriptor"] = self.descriptor(self.attribute(atomic, "descriptor")?)?;
        tree["fitting"] = self.fitting(self.attribute(atomic, "fitting_net")?)?;
        Ok(tree)
    }

    /// Types that a mask `[n_types]` leaves out; none without a mask.
    fn excluded_types(&mut self, mask: Option<&Item>) -> Result<Value, Error> {
        let mask = self.mask(mask)?;
        let zeros = mask.iter().enumerate().filter(|(_, kept)| **kept == 0.0);
        Ok(zeros.map(|(t, _)| Value::from(t)).collect())
    }

    /// Pairs of types that see nothing of each other: zeros of a mask `[n_types + 1, n_types + 1]`, whose last row and column
    /// belong to empty slots.
    fn excluded_pairs(&mut self, mask: Option<&Item>) -> Result<Value, Error> {
        let mask = self.mask(mask)?;
        let width = mask.len().isqrt();
        let zeros = mask.iter().enumerate().filter(|(_, kept)| **kept == 0.0);
        let pairs = zeros.map(|(k, _)| (k / width, k % width));
        let real = pairs.filter(|&(a, b)| a + 1 < width && b + 1 < width);
        Ok(real.map(|(a, b)| json!([a, b])).collect())
    }

    fn mask(&mut self, mask: Option<&Item>) -> Result<Vec<f64>, Error> {
        let Some(Item::Tensor(mask)) = mask.and_then(|mask| mask.get("type_mask")) else {
            return Ok(Vec::new());
        };
        let numbers = self.archive.numbers(mask);
        let (_, mask) = numbers.map_err(|what| self.inconsistent("type_mask", brief(&what)))?;
        self.grow(mask.len())?;
        Ok(mask)
    }

    /// The networks called `0`, `1`, ... of a collection.
    fn networks(&mut self, collection: &Item, count: usize) -> Result<Value, Error> {
        let networks = self.attribute(collection, "networks")?;
        (0..count)
            .map(|k| self.network(self.attribute(networks, &k.to_string())?))
            .collect()
    }

    fn network(&mut self, module: &Item) -> Result<Value, Error> {
        let layers = self.attribute(module, "layers")?;
        let numbered = (0..).map_while(|l: usize| layers.get(&l.to_string()));
        let layers: Vec<_> = numbered
            .map(|layer| self.layer(layer))
            .collect::<Result<_, _>>()?;
        Ok(json!({ "layers": layers }))
    }

    fn layer(&mut self, module: &Item) -> Result<Value, Error> {
        let activation = module.get("activate").and_then(|f| f.get("activation"));
        let mut tree = self.values(module, &[("resnet", "resnet")])?;
        tree["activation_function"] = self.value(activation)?;
        let names = [("matrix", "w"), ("bias", "b"), ("idt", "idt")];
        tree["@variables"] = self.values(module, &names)?;
        Ok(tree)
    }
}

/// What a module of this class is about, if not about the energy of atoms at points.
fn other_quantity(class: &str) -> Option<&'static str> {
    const OTHERS: [(&str, &str); 6] = [
        ("Spin", "a model with spin"),
        ("Dipole", "a model of dipoles"),
        ("Polar", "a model of polarizabilities"),
        ("DOS", "a model of densities of states"),
        ("Property", "a model of a property other than energy"),
        ("Population", "a model of populations"),
    ];
    let found = OTHERS.iter().find(|(name, _)| class.contains(name));
    found.map(|(_, feature)| *feature)
}

/// A scalar or text; `null` for everything else.
fn scalar(item: &Item) -> Value {
    match item {
        Item::Bool(value) => Value::from(*value),
        Item::Int(value) => Value::from(*value),
        Item::Float(value) => Value::from(*value),
        Item::Text(value) => Value::from(&**value),
        _ => Value::Null,
    }
}
