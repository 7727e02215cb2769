// LibTorch's exceptions as Status.
#pragma once

#include <c10/util/Exception.h>

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace polyscene {

// Runs `fn` and returns what it returned (a Status, a StatusOr or a plain value), or what it threw as a Status. `step`
// names the work in the message, e.g. "forward". Called at the edge of `model`: nothing else in the repository catches
// LibTorch's exceptions.
template <typename Fn>
auto CatchTorch(absl::string_view step, Fn&& fn) {
  using Result = std::invoke_result_t<Fn>;
  using Return =
      std::conditional_t<std::is_same_v<Result, absl::Status> || std::is_constructible_v<Result, absl::Status>, Result,
                         absl::StatusOr<Result>>;
  try {
    return Return(std::forward<Fn>(fn)());
  } catch (const c10::OutOfMemoryError& e) {  // A full GPU is load, not a bug.
    return Return(absl::ResourceExhaustedError(absl::StrCat(step, ": ", e.what_without_backtrace())));
  } catch (const std::bad_alloc&) {
    return Return(absl::ResourceExhaustedError(absl::StrCat(step, ": out of memory")));
  } catch (const c10::Error& e) {
    return Return(absl::InternalError(absl::StrCat(step, ": ", e.what_without_backtrace())));
  } catch (const std::exception& e) {
    return Return(absl::InternalError(absl::StrCat(step, ": ", e.what())));
  }
}

}  // namespace polyscene
