//! Kernels for matrix units, spelled as Chrome has it.
//!
//! A library holds one text of each kernel, in the dialect that naga reads. Chrome has its own, behind a flag: the same operations under other
//! names, with an array and a place in it where naga takes a pointer to an element. Both count in elements of the array, be they vectors, so a
//! tile is declared, filled and read alike. Texts are rewritten here form by form, whatever their tiles and pitches are called. What begins
//! like an operation of naga's and is none of these forms is an error and not handed on: a browser would only call it an unknown name.

use std::fmt::Write;

/// The feature, by the name that Chrome gives it.
#[cfg(target_arch = "wasm32")]
pub(crate) const FEATURE: &str = "chromium-experimental-subgroup-matrix";

/// What a text begins with. A place in memory that differs from subgroup to subgroup is uniform where it has to be, but Chrome cannot see that
/// of an index made from the invocation's number.
#[cfg(target_arch = "wasm32")]
pub(crate) const DIRECTIVES: &str =
    "enable chromium_experimental_subgroup_matrix;\ndiagnostic(off, chromium.subgroup_matrix_uniformity);\n";

/// A kernel with every form, by which a browser shows that its dialect is the one that is written here. Were it to count in numbers instead of
/// vectors, it would refuse the pitch for being less than a row.
pub(crate) const PROBE: &str = "
@group(0) @binding(0) var<storage, read_write> output: array<vec4f, 64>;
var<workgroup> tile: array<array<vec4<f16>, 64>, 1>;
var<workgroup> fragment: array<vec4f, 64>;
@compute @workgroup_size(32)
fn main(@builtin(local_invocation_index) lane: u32) {
    tile[0u][lane] = vec4<f16>();
    tile[0u][lane + 32u] = vec4<f16>();
    workgroupBarrier();
    let a = coopLoadT<coop_mat16x16<f16, A>>(&tile[0u][0u], 4u);
    let b = coopLoad<coop_mat16x16<f16, B>>(&tile[0u][0u], 4u);
    var sums: array<coop_mat16x16<f32, C>, 1>;
    sums[0] = coopMultiplyAdd(a, b, sums[0]);
    coopStoreT(sums[0], &fragment[0u], 4u);
    workgroupBarrier();
    sums[0] = coopLoadT<coop_mat16x16<f32, C>>(&fragment[0u], 4u);
    workgroupBarrier();
    coopStoreT(sums[0], &fragment[0u], 4u);
    workgroupBarrier();
    output[lane] = fragment[lane];
}
";

/// An operation on matrix units that has no spelling in Chrome's dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{form}` is no form of matrix units that Chrome's dialect has")]
pub(crate) struct UnknownForm {
    form: String,
}

/// Rewrites a text of naga's dialect, without directives.
///
/// # Errors
/// The first form that is not known.
pub(crate) fn translate(text: &str) -> Result<String, UnknownForm> {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some(start) = next(rest) {
        out.push_str(&rest[..start]);
        let form = &rest[start..];
        rest = rewrite(form, &mut out).ok_or_else(|| UnknownForm { form: form.lines().next().unwrap_or_default().trim().into() })?;
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the next name begins that only naga's dialect has.
fn next(text: &str) -> Option<usize> {
    let begins = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices("coop").map(|(at, _)| at).find(|at| begins(*at))
}

/// Writes the form that a text begins with, and gives what follows it.
fn rewrite<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let (name, rest) = text.split_at(end);
    match name {
        "coop_mat16x16" => {
            let (parameters, rest) = enclosed(rest, '<', '>')?;
            let (scalar, role) = parameters.split_once(',')?;
            let matrix = match role.trim() {
                "A" => "left",
                "B" => "right",
                "C" => "result",
                _ => return None,
            };
            write!(out, "subgroup_matrix_{matrix}<{}, 16, 16>", scalar.trim()).ok()?;
            Some(rest)
        }
        "coopMultiplyAdd" => {
            out.push_str("subgroupMatrixMultiplyAccumulate");
            Some(rest)
        }
        "coopLoad" | "coopLoadT" => {
            let (matrix, rest) = enclosed(rest, '<', '>')?;
            let (arguments, rest) = enclosed(rest, '(', ')')?;
            let [pointer, pitch] = split(arguments)?;
            let (array, place) = element(pointer)?;
            let matrix = translate(matrix).ok()?;
            write!(out, "subgroupMatrixLoad<{matrix}, {}>(&{array}, {place}, {pitch})", layout(name)).ok()?;
            Some(rest)
        }
        "coopStore" | "coopStoreT" => {
            let (arguments, rest) = enclosed(rest, '(', ')')?;
            let [value, pointer, pitch] = split(arguments)?;
            let (array, place) = element(pointer)?;
            let value = translate(value).ok()?;
            write!(out, "subgroupMatrixStore<{}>(&{array}, {place}, {value}, {pitch})", layout(name)).ok()?;
            Some(rest)
        }
        _ => None,
    }
}

/// naga's plain functions take columns one after the other, those that end in T rows.
fn layout(function: &str) -> &'static str {
    if function.ends_with('T') { "row_major" } else { "col_major" }
}

/// What stands between the bracket that a text begins with and its counterpart, and what follows.
fn enclosed(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    let inner = text.strip_prefix(open)?;
    let mut depth = 1;
    for (at, c) in inner.char_indices() {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            return Some((&inner[..at], &inner[at + close.len_utf8()..]));
        }
    }
    None
}

/// The arguments of a call, if there are as many as that.
fn split<const N: usize>(arguments: &str) -> Option<[&str; N]> {
    let mut depth = 0;
    let mut parts = arguments.split(|c| {
        depth += i32::from(matches!(c, '(' | '[')) - i32::from(matches!(c, ')' | ']'));
        c == ',' && depth == 0
    });
    let found = [(); N].map(|()| parts.next().map_or("", str::trim));
    (parts.next().is_none() && found.iter().all(|part| !part.is_empty())).then_some(found)
}

/// The array and the place in it that a pointer to an element names.
fn element(pointer: &str) -> Option<(&str, &str)> {
    let inner = pointer.strip_prefix('&')?.strip_suffix(']')?;
    let mut depth = 1;
    for (at, c) in inner.char_indices().rev() {
        depth += i32::from(c == ']') - i32::from(c == '[');
        if depth == 0 {
            let (array, place) = (inner[..at].trim(), inner[at + 1..].trim());
            return (!array.is_empty() && !place.is_empty()).then_some((array, place));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_a_spelling_in_chromes_dialect() {
        let cases = [
            ("var a: array<coop_mat16x16<f16, A>, SM>;", "var a: array<subgroup_matrix_left<f16, 16, 16>, SM>;"),
            ("var b: coop_mat16x16<f16,B>;", "var b: subgroup_matrix_right<f16, 16, 16>;"),
            ("var acc: array<coop_mat16x16<f32, C>, SM * SN>;", "var acc: array<subgroup_matrix_result<f32, 16, 16>, SM * SN>;"),
            (
                "a[0] = coopLoadT<coop_mat16x16<f16, A>>(&tile_x[down + 0u][4u * 1u], PITCH);",
                "a[0] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&tile_x[down + 0u], 4u * 1u, PITCH);",
            ),
            (
                "let b = coopLoad<coop_mat16x16<f16, B>>(&slices.w[stage][min(n, 3u) + map[k]], max(PITCH, 4u));",
                "let b = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&slices.w[stage], min(n, 3u) + map[k], max(PITCH, 4u));",
            ),
            (
                "sums[0u] = coopLoadT<coop_mat16x16<f32, C>>(&scores[(0u * DOWN + down) * 16u * PITCH + across * 4u], PITCH);",
                "sums[0u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 16>, row_major>(&scores, (0u * DOWN + down) * 16u * PITCH + across * 4u, PITCH);",
            ),
            (
                "acc[i * SN + j] = coopMultiplyAdd(a[i], b, acc[i * SN + j]);",
                "acc[i * SN + j] = subgroupMatrixMultiplyAccumulate(a[i], b, acc[i * SN + j]);",
            ),
            (
                "coopStoreT(acc[i * SN + j], &fragments[subgroup][0],\n 4u);",
                "subgroupMatrixStore<row_major>(&fragments[subgroup], 0, acc[i * SN + j], 4u);",
            ),
            (
                "coopStore(coopMultiplyAdd(a, b, c), &out[0], 16u);",
                "subgroupMatrixStore<col_major>(&out, 0, subgroupMatrixMultiplyAccumulate(a, b, c), 16u);",
            ),
        ];
        for (naga, chrome) in cases {
            assert_eq!(translate(naga).as_deref(), Ok(chrome));
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in ["", "let recoop = a.scoop_x * _coop;", "tile[lane] = vec4<f16>(x); // ü\nlet a = b < c && d > e;"] {
            assert_eq!(translate(text).as_deref(), Ok(text));
        }
        let probe = translate(PROBE).unwrap();
        assert_eq!(probe.lines().count(), PROBE.lines().count());
        assert!(!probe.contains("coop"), "{probe}");
    }

    #[test]
    fn unknown_forms_are_named_and_not_handed_on() {
        let cases = [
            "coop_mat8x8<f32, C>",
            "coop_mat16x16<f32, D>",
            "coop_mat16x16<f32>",
            "coopTranspose(a)",
            "coopLoad(&tile[0], 4u)",
            "coopLoad<coop_mat16x16<f16, A>>(&tile[0])",
            "coopLoad<coop_mat16x16<f16, A>>(&tile, 4u)",
            "coopLoad<coop_mat16x16<f16, A>>(pointer, 4u)",
            "coopLoad<coop_mat16x16<f16, A>>(&tile[0], 4u, 5u)",
            "coopLoad<coop_mat16x16<f16, Z>>(&tile[0], 4u)",
            "coopStoreT(acc, &tile[0])",
            "coopStoreT(acc, &tile[0], 4u",
        ];
        for form in cases {
            let error = translate(&format!("let a = 1;\nlet b = {form};\nlet c = 2;")).unwrap_err();
            assert!(error.form.starts_with(form.split_once('<').map_or(form, |(name, _)| name)), "{error}");
        }
    }
}
