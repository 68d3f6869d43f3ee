//! Whether the program in a TorchScript file may run. It has all rights of whoever runs LAMMPS, and a model is often somebody
//! else's.
//!
//! What a program can do is what its operators can do: they were listed without running it. Those below compute with numbers
//! and have no way to files, to other programs or to a network; they check what they are given, so that a program made of
//! them can be wrong, slow or endless, and no more.

use deepdms_potential::Error;

/// Where the classes of deepmd-kit's models are.
const DEEPMD_KIT: &str = "__torch__.deepmd.pt.model.model.";

/// The energy models among them.
const MODELS: [&str; 3] = ["EnergyModel", "LinearEnergyModel", "DPZBLModel"];

/// Operators on tensors, numbers, texts and lists of them that energy models of deepmd-kit call, and their like: `aten::`.
const ATEN: &str = "
    Bool Complex Delete Float Int IntImplicit ScalarImplicit __and__ __contains__ __derive_index __getitem__ __is__
    __isnot__ __lshift__ __not__ __or__ __range_length __rshift__ __xor__ _set_item _unique2 abs abs_ acos add add_
    addbmm addcdiv addcmul addmm alias all amax amin any append arange arccos argmax argmin argsort as_tensor asin
    asinh atan atan2 atanh baddbmm bincount bitwise_and bitwise_not bitwise_or bitwise_xor bmm broadcast_tensors
    broadcast_to bucketize cat ceil ceil_ chunk clamp clamp_ clamp_min clamp_min_ clear clone complex concat conj
    contiguous copy copy_ cos cosh count count_nonzero cpu cross cumprod cumsum deg2rad det detach detach_ diag
    diag_embed diagonal dict diff dim dist div div_ divide divmod dot dropout dstack einsum element_size elu
    embedding empty empty_like endswith eq eq_ equal erf erfc erfinv exp exp2 exp_ expand expand_as expm1 extend eye
    feature_dropout fill fill_ find flatten flip floor floor_divide floordiv fmax fmin fmod format full full_like
    gather ge gelu get get_device grad gt hardtanh heaviside hex hstack hypot index index_add index_add_ index_copy
    index_fill index_put_ index_select insert inverse is_complex is_contiguous is_floating_point is_grad_enabled
    is_nonzero is_same_size isdigit isfinite isinf isnan item items join keys kthvalue layer_norm le leaky_relu len
    lerp lgamma linalg_cross linalg_det linalg_inv linalg_inv_ex linalg_lstsq linalg_matrix_norm linalg_norm
    linalg_pinv linalg_solve linalg_svd linalg_vector_norm linear linspace list log log10 log1p log2 log_softmax
    logical_and logical_not logical_or logical_xor logsumexp lower lstrip lt masked_fill masked_fill_ masked_scatter
    masked_select matmul max maximum mean meshgrid min minimum mish moveaxis movedim mul mul_ multiply mv nan_to_num
    narrow native_layer_norm ne neg neg_ negative new_empty new_full new_ones new_zeros nonzero norm numel numpy_T
    one_hot ones ones_like ord outer pad pairwise_distance permute pop popitem positive pow pow_ prelu prod rad2deg
    rand range ravel reciprocal relu relu6 relu6_ relu_ remainder remove repeat repeat_interleave replace
    requires_grad_ reshape reverse rms_norm roll round round_ rsqrt rstrip rsub scaled_dot_product_attention scatter
    scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_ searchsorted select selu set_grad_enabled
    setdefault sgn sigmoid sigmoid_ sign silu silu_ sin sinc sinh size slice slice_scatter softmax softplus sort
    sorted special_erf special_expm1 split split_with_sizes splitlines sqrt sqrt_ square square_ squeeze squeeze_
    stack startswith std std_mean storage_offset str stride strip sub sub_ subtract sum sum_to_size swapaxes t
    take_along_dim tan tanh tanh_ tensor tensor_split threshold tile to topk trace transpose transpose_ tril triu
    true_divide trunc type_as unbind unflatten unfold unique_consecutive unique_dim unsqueeze unsqueeze_ update
    upper values var var_mean vdot view view_as vstack warn where xlogy zero_ zeros zeros_like
";

/// What the language is made of: `prim::`.
const PRIM: &str = "
    CallFunction CallMethod Constant CreateObject DictConstruct Enter EnumName EnumValue Exit GetAttr If
    ListConstruct ListSlice ListUnpack Loop NumToTensor RaiseException SetAttr StringIndex TupleConstruct TupleIndex
    TupleSlice TupleUnpack Uninitialized abs device dtype is_complex is_cpu is_cuda is_nested is_quantized is_sparse
    isinstance itemsize layout max min rangelist requires_grad shape tolist unchecked_cast unchecked_unwrap_optional
";

/// Namespaces of operators that only compute, but for [`FORBIDDEN`]. Others speak with other processes (`c10d`), look into
/// memory anywhere (`inductor`), or are classes of C++ that may do anything.
const NAMESPACES: [&str; 3] = ["aten", "prim", "deepmd"];

/// Operators of those namespaces that no program may call.
const FORBIDDEN: [&str; 6] = [
    "aten::save",
    "aten::from_file",
    "prim::PythonOp",
    "prim::IgnoredPythonOp",
    "prim::rpc_async",
    "prim::rpc_sync",
];

/// Refuses a program of class `class` that may call `operators`, unless it is one of deepmd-kit's energy models and made of
/// operators that only compute, or `trusted` by the user; some operators are refused in any case. `file` goes into messages.
///
/// # Errors
/// [`Error::Unsupported`] for what no model may do, [`Error::Engine`] for what the user would have to trust.
pub(super) fn judge(
    file: &str,
    class: &str,
    operators: &[String],
    trusted: bool,
) -> Result<(), Error> {
    let forbidden = operators.iter().filter(|name| is_forbidden(name));
    if let Some(names) = list(forbidden) {
        return Err(Error::Unsupported {
            file: file.to_owned(),
            feature: format!(
                "a program that calls {names}, which reaches files, memory or other computers,"
            ),
            remedy: "No model needs that, and no keyword allows it: get the model from those who made it".to_owned(),
        });
    }
    if trusted {
        return Ok(());
    }
    let reason = match list(operators.iter().filter(|name| !is_listed(name))) {
        _ if !is_known(class) => format!(
            "it is a program of class {}, which is none of deepmd-kit's energy models",
            bare(class)
        ),
        Some(names) => {
            format!("its program calls {names}, which no energy model of deepmd-kit does")
        }
        None => return Ok(()),
    };
    Err(Error::Engine(format!(
        "{file}: {reason}. A program in a model file is run with all your rights. If you trust those who made this one, add 'script trusted' to pair_style deepmd"
    )))
}

/// A class without the module that it is in.
pub(super) fn bare(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

fn is_known(class: &str) -> bool {
    class.starts_with(DEEPMD_KIT) && MODELS.contains(&bare(class))
}

fn is_forbidden(name: &str) -> bool {
    let namespace = name.split("::").next().unwrap_or(name);
    !NAMESPACES.contains(&namespace) || FORBIDDEN.contains(&name)
}

fn is_listed(name: &str) -> bool {
    let among = |list: &str, name: &str| list.split_ascii_whitespace().any(|one| one == name);
    match name.split_once("::") {
        Some(("aten", name)) => among(ATEN, name),
        Some(("prim", name)) => among(PRIM, name),
        // ours
        Some(("deepmd", _)) => true,
        _ => false,
    }
}

/// The first of some names, and how many more there are.
fn list<'a>(mut names: impl Iterator<Item = &'a String>) -> Option<String> {
    let first = names.next()?;
    Some(match names.count() {
        0 => first.clone(),
        n => format!("{first} and {n} more"),
    })
}

#[cfg(test)]
mod tests {
    use super::judge;

    const ENERGY: &str = "__torch__.deepmd.pt.model.model.ener_model.EnergyModel";

    fn verdict(class: &str, operators: &[&str], trusted: bool) -> String {
        let operators: Vec<_> = operators.iter().map(|&name| name.to_owned()).collect();
        match judge("m.pth", class, &operators, trusted) {
            Ok(()) => "runs".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn models_of_deepmd_kit_that_only_compute_run() {
        let operators = ["aten::matmul", "deepmd::border_op", "prim::If"];
        assert_eq!(verdict(ENERGY, &operators, false), "runs");
    }

    #[test]
    fn everything_else_is_for_the_user_to_trust() {
        let trust = "A program in a model file is run with all your rights. If you trust those who made this one, add 'script trusted' to pair_style deepmd";
        assert_eq!(
            verdict("__torch__.WideMessages", &["aten::add"], false),
            format!(
                "m.pth: it is a program of class WideMessages, which is none of deepmd-kit's energy models. {trust}"
            )
        );
        assert_eq!(
            verdict(
                ENERGY,
                &["aten::add", "aten::set_data", "aten::resize_"],
                false
            ),
            format!(
                "m.pth: its program calls aten::set_data and 1 more, which no energy model of deepmd-kit does. {trust}"
            )
        );
        let cast = "prim::unchecked_cast to __torch__.Other";
        assert!(verdict(ENERGY, &[cast], false).contains(cast));
        assert_eq!(verdict(ENERGY, &["aten::set_data"], true), "runs");
        assert_eq!(verdict("__torch__.WideMessages", &[], true), "runs");
    }

    #[test]
    fn some_operators_are_refused_in_any_case() {
        for name in [
            "aten::save",
            "aten::from_file",
            "c10d::send",
            "inductor::_reinterpret_tensor",
            "class::__torch__.torch.classes.c10d.ProcessGroup",
            "builtin::__torch__.torch.classes.Anything.method",
        ] {
            for trusted in [false, true] {
                assert_eq!(
                    verdict(ENERGY, &["aten::add", name], trusted),
                    format!(
                        "m.pth: a program that calls {name}, which reaches files, memory or other computers, is not supported. No model needs that, and no keyword allows it: get the model from those who made it"
                    )
                );
            }
        }
    }
}
