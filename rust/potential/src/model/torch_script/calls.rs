//! The few functions that TorchScript archives call: they rebuild tensors and lists.

use super::item::{Item, Storage, Tensor};
use std::rc::Rc;

/// The value of a call of one of torch's helpers.
pub(super) fn reduce(function: &Item, arguments: &Item) -> Result<Item, String> {
    let (Item::Global(name), Some(arguments)) = (function, arguments.items()) else {
        return Ok(Item::Opaque);
    };
    match &**name {
        "torch._utils _rebuild_tensor_v2" => tensor(arguments),
        "torch.jit._pickle restore_type_tag"
        | "torch.jit._pickle build_intlist"
        | "torch.jit._pickle build_doublelist"
        | "torch.jit._pickle build_boollist"
        | "torch.jit._pickle build_tensorlist" => {
            Ok(arguments.first().cloned().unwrap_or(Item::Opaque))
        }
        "collections OrderedDict" => Ok(Item::Map(Rc::default())),
        _ => Ok(Item::Opaque),
    }
}

fn tensor(arguments: &[Item]) -> Result<Item, String> {
    let sizes = |item: &Item| -> Option<Vec<usize>> {
        item.items()?
            .iter()
            .map(|size| match size {
                Item::Int(size) => usize::try_from(*size).ok(),
                _ => None,
            })
            .collect()
    };
    let [
        Item::Storage(storage),
        Item::Int(offset),
        shape,
        strides,
        ..,
    ] = arguments
    else {
        return Err("a tensor is not described as one".to_owned());
    };
    let (Some(shape), Some(strides), Ok(offset)) =
        (sizes(shape), sizes(strides), usize::try_from(*offset))
    else {
        return Err("a tensor has an impossible shape".to_owned());
    };
    if shape.len() != strides.len() {
        return Err("a tensor has an impossible shape".to_owned());
    }
    Ok(Item::Tensor(Rc::new(Tensor {
        storage: storage.clone(),
        offset,
        shape,
        strides,
    })))
}

/// `("storage", torch.XStorage, key, device, number of elements)`; the device does not matter.
pub(super) fn storage(description: &Item) -> Result<Item, String> {
    match description.items() {
        Some([Item::Text(_), Item::Global(kind), Item::Text(key), ..]) => {
            let kind = kind.rsplit(' ').next().unwrap_or_default().into();
            Ok(Item::Storage(Rc::new(Storage {
                kind,
                key: key.clone(),
            })))
        }
        _ => Err("a storage is not described as one".to_owned()),
    }
}
