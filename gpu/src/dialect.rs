//! Kernels for matrix units in Chrome's dialect.
//!
//! A library holds one text of each kernel, in the dialect that naga reads. Chrome has a dialect of its own, behind a flag. It has the same
//! operations under other names, with an array and an index where naga takes a pointer to an element. Both dialects count in elements of
//! the array, even if the elements are vectors, so a tile is declared, filled and read in the same way. Texts are rewritten here form by
//! form, whatever their tiles and pitches are called. A name that begins like an operation of naga's but has none of these forms is an
//! error: a browser would only call it an unknown name.

use tegula_edit::{Edits, Kind, Token, arguments, closing, span, tokens};

/// The feature, by the name that Chrome gives it.
#[cfg(target_arch = "wasm32")]
pub(crate) const FEATURE: &str = "chromium-experimental-subgroup-matrix";

/// What a text begins with. A place in memory that differs from subgroup to subgroup is uniform within each, as it has to be. But Chrome
/// cannot see that for an index made from the invocation's number.
#[cfg(target_arch = "wasm32")]
pub(crate) const DIRECTIVES: &str =
    "enable chromium_experimental_subgroup_matrix;\ndiagnostic(off, chromium.subgroup_matrix_uniformity);\n";

/// A kernel with every form. A browser that takes it has the dialect that is written here. A browser that counts in numbers instead of
/// vectors refuses its pitch for being less than a row.
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
    Ok(translated(text, &tokens(text))?.apply(text, 0..text.len()))
}

/// The edits that translate these tokens of a text.
fn translated(text: &str, tokens: &[Token<'_>]) -> Result<Edits<'static>, UnknownForm> {
    let mut edits = Edits::default();
    let mut at = 0;
    while at < tokens.len() {
        // Only naga's dialect has names that begin so.
        at += if tokens[at].kind == Kind::Word && tokens[at].text.starts_with("coop") {
            let unknown = || UnknownForm { form: text[tokens[at].start..].lines().next().unwrap_or_default().trim().into() };
            rewrite(text, &tokens[at..], &mut edits)?.ok_or_else(unknown)?
        } else {
            1
        };
    }
    Ok(edits)
}

/// Notes how the form is spelled that these tokens begin with, and gives how many of them that settles: what follows is rewritten on its own.
/// `None` for a form that is not known.
fn rewrite(text: &str, tokens: &[Token<'_>], edits: &mut Edits<'static>) -> Result<Option<usize>, UnknownForm> {
    Ok(match tokens[0].text {
        "coop_mat16x16" => matrix(text, tokens, edits),
        "coopMultiplyAdd" => {
            edits.replace(tokens[0].start..tokens[0].end(), "subgroupMatrixMultiplyAccumulate");
            Some(1)
        }
        "coopLoad" | "coopLoadT" => load(text, tokens, edits),
        "coopStore" | "coopStoreT" => return store(text, tokens, edits),
        _ => None,
    })
}

/// `coop_mat16x16<SCALAR, ROLE>`.
fn matrix(text: &str, tokens: &[Token<'_>], edits: &mut Edits<'static>) -> Option<usize> {
    let end = closing(tokens, 1).filter(|_| tokens[0].is("coop_mat16x16"))?;
    let [scalar, role] = arguments(&tokens[2..end]).try_into().ok()?;
    let matrix = match &text[span(role)] {
        "A" => "left",
        "B" => "right",
        "C" => "result",
        _ => return None,
    };
    edits.replace(span(&tokens[..=end]), format!("subgroup_matrix_{matrix}<{}, 16, 16>", &text[span(scalar)]));
    Some(end + 1)
}

/// `coopLoad<MATRIX>(&ARRAY[INDEX], PITCH)`: only what lies between these parts changes.
fn load(text: &str, tokens: &[Token<'_>], edits: &mut Edits<'static>) -> Option<usize> {
    let matrix_end = closing(tokens, 1)?;
    let end = closing(tokens, matrix_end + 1)?;
    let parts = arguments(&tokens[matrix_end + 2..end]);
    let [pointer, pitch] = parts[..] else { return None };
    let (open, close) = (index_bracket(pointer)?, pointer.last()?);
    if pitch.is_empty() {
        return None;
    }
    matrix(text, &tokens[2..matrix_end], edits)?;
    edits.replace(span(&tokens[..1]), "subgroupMatrixLoad");
    edits.replace(tokens[matrix_end].start..tokens[matrix_end].start, format!(", {}", layout(tokens[0].text)));
    edits.replace(pointer[open].start..pointer[open].end(), ", ");
    edits.replace(close.start..close.end(), "");
    Some(matrix_end + 1)
}

/// `coopStore(VALUE, &ARRAY[INDEX], PITCH)`: the value comes third, so all of the call is written anew.
fn store(text: &str, tokens: &[Token<'_>], edits: &mut Edits<'static>) -> Result<Option<usize>, UnknownForm> {
    let Some(end) = closing(tokens, 1) else { return Ok(None) };
    let parts = arguments(&tokens[2..end]);
    let [value, pointer, pitch] = parts[..] else { return Ok(None) };
    let Some(open) = index_bracket(pointer).filter(|_| !value.is_empty() && !pitch.is_empty()) else { return Ok(None) };
    let part = |tokens: &[Token<'_>]| &text[span(tokens)];
    let (array, index) = (part(&pointer[..open]), part(&pointer[open + 1..pointer.len() - 1]));
    let (layout, value, pitch) = (layout(tokens[0].text), translated(text, value)?.apply(text, span(value)), part(pitch));
    edits.replace(span(&tokens[..=end]), format!("subgroupMatrixStore<{layout}>({array}, {index}, {value}, {pitch})"));
    Ok(Some(end + 1))
}

/// naga's plain functions take columns one after the other, those that end in T rows.
fn layout(function: &str) -> &'static str {
    if function.ends_with('T') { "row_major" } else { "col_major" }
}

/// Where the last bracket of a pointer to an element opens, `&ARRAY[INDEX]`.
fn index_bracket(pointer: &[Token<'_>]) -> Option<usize> {
    let last = pointer.len().checked_sub(1)?;
    let open = (0..last).find(|&open| pointer[open].is("[") && closing(pointer, open) == Some(last))?;
    (pointer[0].is("&") && open > 1 && open + 1 < last).then_some(open)
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
