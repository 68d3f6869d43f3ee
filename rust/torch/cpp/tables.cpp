/* ----------------------------------------------------------------------
   Operators of compressed models: embedding curves read off a table

   A table [rows, 6*outputs] has regions of equal steps, fine in [lower,
   upper) and coarse in [upper, max), and with three bodies, where inputs
   have both signs, also coarse in [-max, lower); in each cell an output is
   a polynomial of fifth degree in the distance from the cell's start, with
   its six coefficients, ascending, side by side. Beyond both ends the
   curve goes on as its tangent. Indices are computed in the precision of
   the table, as the tables are made.
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#include "operators.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

namespace {

constexpr int64_t DEGREES = 6;

/* ----------------------------------------------------------------------
   the six numbers that describe a table, the last of which is unused
------------------------------------------------------------------------- */

template <typename Real> struct Grid {
  Real min, lower, upper, max, fine, coarse;
  int64_t first_fine, first_coarse, rows;

  Grid(const Tensor &info, bool both_signs, int64_t rows) : rows(rows)
  {
    const Tensor numbers = info.to(torch::kCPU, c10::CppTypeToScalarType<Real>::value).contiguous();
    TORCH_CHECK(numbers.numel() >= 5, "a table is described by ", numbers.numel(), " numbers instead of 6");
    const Real *number = numbers.const_data_ptr<Real>();
    lower = number[0];
    upper = number[1];
    max = number[2];
    fine = number[3];
    coarse = number[4];
    min = both_signs ? -max : lower;
    TORCH_CHECK(fine > 0 && coarse > 0 && min <= lower && lower <= upper && upper <= max && std::isfinite(max - min),
                "a table is described by impossible numbers");
    first_fine = (int64_t) ((lower - min) / coarse);
    first_coarse = first_fine + (int64_t) ((upper - lower) / fine);
  }

  // largest input that lies within
  Real last() const { return std::nextafter(max, -std::numeric_limits<Real>::infinity()); }
};

/* ----------------------------------------------------------------------
   where an input falls: row, way into the cell, way beyond the table
------------------------------------------------------------------------- */

template <typename Real> struct Place {
  int64_t row;
  Real offset, excess;

  Place(const Grid<Real> &grid, Real x)
  {
    if (std::isnan(x)) {
      row = 0;
      offset = excess = x;
      return;
    }
    const Real inside = std::min(std::max(x, grid.min), grid.last());
    const auto look_up = [&](int64_t first, Real start, Real step) {
      const auto cell = (int64_t) ((inside - start) / step);
      row = std::clamp(first + cell, (int64_t) 0, grid.rows - 1);
      offset = inside - (cell * step + start);
    };
    if (inside < grid.lower)
      look_up(0, grid.min, grid.coarse);
    else if (inside < grid.upper)
      look_up(grid.first_fine, grid.lower, grid.fine);
    else
      look_up(grid.first_coarse, grid.upper, grid.coarse);
    excess = x - inside;
  }
};

/* ----------------------------------------------------------------------
   curves [n, outputs] and the input's gradient [n] on a CPU
------------------------------------------------------------------------- */

template <typename Real>
void curves_on_cpu(const Tensor &table, const Grid<Real> &grid, const Tensor &x, Tensor &curves)
{
  const int64_t outputs = curves.size(1);
  const Real *coefficients = table.const_data_ptr<Real>();
  const Real *inputs = x.const_data_ptr<Real>();
  Real *values = curves.mutable_data_ptr<Real>();
  at::parallel_for(0, x.size(0), 256, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; k++) {
      const Place<Real> place(grid, inputs[k]);
      const Real d = place.offset;
      const Real *a = coefficients + place.row * DEGREES * outputs;
      Real *value = values + k * outputs;
      for (int64_t m = 0; m < outputs; m++, a += DEGREES)
        value[m] = a[0] + (a[1] + (a[2] + (a[3] + (a[4] + a[5] * d) * d) * d) * d) * d;
      if (place.excess == 0) continue;
      a = coefficients + place.row * DEGREES * outputs;
      for (int64_t m = 0; m < outputs; m++, a += DEGREES)
        value[m] += (a[1] + (2 * a[2] + (3 * a[3] + (4 * a[4] + 5 * a[5] * d) * d) * d) * d) * place.excess;
    }
  });
}

template <typename Real>
void gradient_on_cpu(const Tensor &table, const Grid<Real> &grid, const Tensor &x,
                     const Tensor &of_curves, Tensor &gradient)
{
  const int64_t outputs = of_curves.size(1);
  const Real *coefficients = table.const_data_ptr<Real>();
  const Real *inputs = x.const_data_ptr<Real>();
  const Real *of_values = of_curves.const_data_ptr<Real>();
  Real *sums = gradient.mutable_data_ptr<Real>();
  at::parallel_for(0, x.size(0), 256, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; k++) {
      const Place<Real> place(grid, inputs[k]);
      const Real d = place.offset;
      const Real *a = coefficients + place.row * DEGREES * outputs;
      const Real *of_value = of_values + k * outputs;
      Real sum = 0;
      for (int64_t m = 0; m < outputs; m++, a += DEGREES)
        sum += of_value[m] * (a[1] + (2 * a[2] + (3 * a[3] + (4 * a[4] + 5 * a[5] * d) * d) * d) * d);
      sums[k] = sum;
    }
  });
}

/* ----------------------------------------------------------------------
   the same as operations on tensors, for all other devices
------------------------------------------------------------------------- */

struct Cells {
  Tensor coefficients;      // [n, outputs, DEGREES]
  Tensor offset, excess;    // [n, 1]

  template <typename Real> Cells(const Tensor &table, const Grid<Real> &grid, const Tensor &x)
  {
    const Tensor inside = x.clamp(grid.min, grid.last());
    const auto pick = [&](const Tensor &low, const Tensor &middle, const Tensor &high) {
      return torch::where(inside < grid.lower, low, torch::where(inside < grid.upper, middle, high));
    };
    const Tensor low = ((inside - grid.min) / grid.coarse).floor();
    const Tensor middle = ((inside - grid.lower) / grid.fine).floor();
    const Tensor high = ((inside - grid.upper) / grid.coarse).floor();
    const Tensor row = pick(low, middle + grid.first_fine, high + grid.first_coarse)
                           .nan_to_num(0.0)
                           .to(torch::kLong)
                           .clamp(0, grid.rows - 1);
    const Tensor start = pick(low * grid.coarse + grid.min, middle * grid.fine + grid.lower,
                              high * grid.coarse + grid.upper);
    offset = (inside - start).unsqueeze(1);
    excess = (x - inside).unsqueeze(1);
    coefficients = table.index_select(0, row).view({x.size(0), -1, DEGREES});
  }

  Tensor slope() const
  {
    Tensor sum = 5 * coefficients.select(2, 5);
    for (int64_t p = 4; p > 0; p--) sum = sum * offset + p * coefficients.select(2, p);
    return sum;
  }

  Tensor value() const
  {
    Tensor sum = coefficients.select(2, 5);
    for (int64_t p = 4; p >= 0; p--) sum = sum * offset + coefficients.select(2, p);
    return sum + slope() * excess;
  }
};

/* ----------------------------------------------------------------------
   curves [n, outputs] of inputs [n], differentiable by the inputs
------------------------------------------------------------------------- */

class Curves : public torch::autograd::Function<Curves> {
 public:
  static Tensor forward(AutogradContext *context, const Tensor &table, const Tensor &info, const Tensor &x,
                        bool both_signs, bool as_tensors)
  {
    context->save_for_backward({table, info, x});
    context->saved_data["both_signs"] = both_signs;
    context->saved_data["as_tensors"] = as_tensors;
    Tensor curves;
    AT_DISPATCH_FLOATING_TYPES(table.scalar_type(), "curves", [&] {
      const Grid<scalar_t> grid(info, both_signs, table.size(0));
      if (as_tensors) {
        curves = Cells(table, grid, x).value();
      } else {
        curves = torch::empty({x.size(0), table.size(1) / DEGREES}, x.options());
        curves_on_cpu(table, grid, x, curves);
      }
    });
    return curves;
  }

  static tensor_list backward(AutogradContext *context, const tensor_list &gradients)
  {
    const auto saved = context->get_saved_variables();
    const Tensor &table = saved[0], &info = saved[1], &x = saved[2];
    const Tensor of_curves = gradients[0].contiguous();
    Tensor gradient;
    AT_DISPATCH_FLOATING_TYPES(table.scalar_type(), "curves", [&] {
      const Grid<scalar_t> grid(info, context->saved_data["both_signs"].toBool(), table.size(0));
      if (context->saved_data["as_tensors"].toBool()) {
        gradient = (of_curves * Cells(table, grid, x).slope()).sum(1);
      } else {
        gradient = torch::empty_like(x);
        gradient_on_cpu(table, grid, x, of_curves, gradient);
      }
    });
    return {Tensor(), Tensor(), gradient, Tensor(), Tensor()};
  }
};

}    // namespace

Tensor deepdms::script::table_curves(const Tensor &table, const Tensor &info, const Tensor &x, int64_t outputs,
                                     bool both_signs, bool as_tensors)
{
  TORCH_CHECK(table.dim() == 2 && table.size(0) > 0 && table.size(1) == DEGREES * outputs,
              "a table of shape ", table.sizes(), " does not hold ", outputs, " curves");
  TORCH_CHECK(table.scalar_type() == x.scalar_type() && table.device() == x.device(),
              "a table and its inputs differ in precision or device");
  return Curves::apply(table.contiguous(), info, x.reshape({-1}).contiguous(), both_signs, as_tensors);
}

namespace {

Tensor curves(const Tensor &table, const Tensor &info, const Tensor &x, int64_t outputs, bool both_signs = false)
{
  return deepdms::script::table_curves(table, info, x, outputs, both_signs, !x.is_cpu());
}

/* ----------------------------------------------------------------------
   the operators; em_x holds the inputs and em the rows that curves are
   multiplied by: [n, slots, columns], [n, i, j] with three bodies
   each sums over all slots, whatever is said of their order
------------------------------------------------------------------------- */

tensor_list se_a(const Tensor &table, const Tensor &info, const Tensor &em_x, const Tensor &em, int64_t outputs)
{
  const Tensor g = curves(table, info, em_x, outputs).view({em.size(0), em.size(1), outputs});
  return {em.transpose(1, 2).matmul(g)};
}

tensor_list se_atten(const Tensor &table, const Tensor &info, const Tensor &em_x, const Tensor &em,
                     const Tensor &two_embed, int64_t outputs, bool /*is_sorted*/)
{
  const std::vector<int64_t> shape = {em.size(0), em.size(1), outputs};
  const Tensor g = curves(table, info, em_x, outputs).view(shape);
  return {em.transpose(1, 2).matmul(g * two_embed.reshape(shape) + g)};
}

tensor_list se_t(const Tensor &table, const Tensor &info, const Tensor &em_x, const Tensor &em, int64_t outputs)
{
  const int64_t n = em.size(0), pairs = em.size(1) * em.size(2);
  const Tensor g = curves(table, info, em_x, outputs, true).view({n, pairs, outputs});
  return {em.reshape({n, 1, pairs}).matmul(g).squeeze(1)};
}

tensor_list se_t_tebd(const Tensor &table, const Tensor &info, const Tensor &em_x, const Tensor &em,
                      int64_t outputs)
{
  return {curves(table, info, em_x, outputs, true).view({em.size(0), em.size(1), em.size(2), outputs})};
}

tensor_list se_r(const Tensor &table, const Tensor &info, const Tensor &em, int64_t outputs)
{
  return {curves(table, info, em, outputs).view({em.size(0), em.size(1), outputs})};
}

}    // namespace

void deepdms::script::define_tables(torch::Library &library)
{
  library.def("tabulate_fusion_se_a(Tensor table, Tensor info, Tensor em_x, Tensor em, int outputs) -> Tensor[]", &se_a);
  library.def("tabulate_fusion_se_atten(Tensor table, Tensor info, Tensor em_x, Tensor em, Tensor two_embed, "
              "int outputs, bool is_sorted) -> Tensor[]",
              &se_atten);
  library.def("tabulate_fusion_se_t(Tensor table, Tensor info, Tensor em_x, Tensor em, int outputs) -> Tensor[]", &se_t);
  library.def("tabulate_fusion_se_t_tebd(Tensor table, Tensor info, Tensor em_x, Tensor em, int outputs) -> Tensor[]",
              &se_t_tebd);
  library.def("tabulate_fusion_se_r(Tensor table, Tensor info, Tensor em, int outputs) -> Tensor[]", &se_r);
}
