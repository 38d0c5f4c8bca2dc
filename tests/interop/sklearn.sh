# SPDX-License-Identifier: BSD-2-Clause
# The classifiers against scikit-learn: trees to the last bit where no split is tied,
# forests within its interval, neighbours' probabilities.
. "$(dirname "$0")/../lib.sh"
here=$root/tests/interop/sklearn
if ! /usr/bin/python3 -c 'import sklearn' 2>/dev/null; then
	skip "sklearn: trees, forests and neighbours" "python3-sklearn is not installed (script/setup test)"
	exit 0
fi
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
/usr/bin/python3 -W ignore "$here/check.py" "$(dirname "$weir")/tests/unit/identify/interop-classify" "$tmp" ||
	not_ok "sklearn: check.py ends well"
