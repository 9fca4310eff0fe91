"""What random programs do with memory and draws, in the notation of `writer`.

    MEMORY      out= and where=, overlapping views, Fortran's order, arrays of rank 0 and of size 0
    DRAWS       NumPy's generators made of a seed: their own numbers, in order
"""

from __future__ import annotations

from hotloop.fuzz.grammar import Group

MEMORY: Group = {
    "ufunc": ("add", "subtract", "multiply", "maximum", "minimum"),
    "part": ("[::-1]", "[1:]", "[:-1]", "[::2]", "[1::2]", "[:0]", "[-1:]", "[n // 2:]"),
    "statement": (
        "np.@ufunc(@V_, @V_, out=@nV@{[::-1]|}, where=@Vb)",
        "np.@ufunc(@M_, @V_, out=@nM@{|.T|[::-1]|[:, ::-1]}, where=@{@Mb|@Vb})",
        "np.@ufunc(@nV[1:], @nV[:-1], out=@nV@{[1:]|[:-1]})",
        "np.@ufunc(@nM[1:], @nM[:-1], out=@nM@{[1:]|[:-1]})",
        "np.sum(@M_, axis=@{0|1}, out=@nV)", "np.matmul(@M_, @M_, out=@nM)",
        "np.dot(@M_, @V_, out=@nV)",
        "np.cumsum(@M_, axis=@{0|1}, out=@nM)", "np.where(@nV > 0, 1, 2).astype(float)",
        "np.take(@nV, @order, out=@nV, mode='clip')", "np.copyto(@nA, @{1|k}, where=@Ab)",
        "np.copyto(@nV, @nV[::-1])", "np.divide(@Vf, @Vf, out=@Vf.copy(), where=@Vb)",
        "@new:V_ = np.asfortranarray(@M_)[:, 0]", "@new:M_ = np.asfortranarray(@M_)",
        "@new:M_ = @M_.copy(order='F')", "@new:M_ = @M_.reshape((n, n), order='F')",
        "@new:V_ = @M_.ravel(order='@{F|C|K}')[:n]", "@new:V_ = @M_.flatten('F')[::n]",
        "@new:M_ = np.ascontiguousarray(@M_.T)",
        *("v = @nV@part\nv @aug @s", "v = @nV@part\nv[...] = v[::-1]", "v = @nM@part\nv *= 2",
          "v = @nM[:, ::-1]@part\nv += v[::-1]", "v, w = @nV[::2], @nV[1::2]\nv[:len(w)] @aug w",
          "v, w = @nV[1:], @nV[:-1]\nv += w\nw -= v", "v = @nM.T\nv[0] = v[-1]\nv[:, 0] += 1",
          "v = @nM.diagonal()\nt += v.sum()", "v = @nV[:, None]\nv[:, 0] += 1",
          "v = @nM[::-1, ::-1]\nw = v[::-1]\nw[0] = v[0]", "v = @nV.view()\nv[:1] = @s") * 2,
        "v = np.array(@s)\nv += 1\nt += v[()]", "v = np.array(@f)\nv[...] = @f\nt += float(v)",
        "v = np.zeros(())\nv += @f\nt += v", "v = np.asarray(@f) * np.ones(n)\nt += v.sum()",
        "v = @nV[:0]\nt += v.sum() + len(v)",
        "v = np.empty((0, n))\nt += v.size + v.sum(axis=0).sum()",
        "v = @nV[@{0|1}:@{1|0}]\nt += v.sum()\nv[:] = 2", "t += @nV[n:].prod()",
        "v = np.concatenate((@V_[:0], @V_))\nt += len(v)", "for e in @nV[:0]:\n    t += e",
        "@nV[[]] = 1", "@nV[np.zeros(0, int)] += 1", "@nM[:0] = @nM[:0].T[:0]",
        "v = @nV.reshape(n, 1)\nv += @nV.reshape(1, n).sum()", "v = @nM[None]\nv[0, @index] = @s",
        "v = np.broadcast_to(@V_, (2, n)).copy()\nv[1] += v[0]\nt += v.sum()",
        "v = np.lib.stride_tricks.sliding_window_view(@nV, 1)\nt += v.sum()",
        "v = @nV.astype(np.@{float16|complex64|float32|int16})\nv[::2] @aug 1\nt += v.sum().real"),
    "V_": ("np.asfortranarray(@M_)[@index]", "@V_.astype(np.float32)", "@V_.astype(np.float16)",
           "np.copy(@V_[::-1], order='K')", "@M_.copy(order='F')[:, 0]",
           "np.add(@V_, @operand, dtype=@{np.float32|np.float64|complex})"),
    "f": ("np.array(@f)[()]", "np.array([@f, @f]).sum()", "@V_[:0].sum()", "@nV[n:].size",
          "np.asarray(@f).item()", "np.float64(@f) * np.ones(())"),
}

DRAWS: Group = {
    "drawn": ("random", "standard_normal", "standard_exponential"),
    "outermost": (
        "r = np.random.default_rng(@{3|7})\n@new:Vf = r.@drawn(n)\nt += r.@drawn()",
        "r = np.random.default_rng(5)\nfor @idx in range(n):\n    a[@last] += r.@drawn() > 0.5\n"
        "    if @b:\n        t += r.integers(0, 9)\n    @body",
        "r = np.random.default_rng(5)\n@new:Vi = r.integers(-3, 9, n)\n@new:Mf = r.@drawn((n, n))",
        "r = np.random.default_rng(5)\n@new:Vi = r.permutation(n)\nr.shuffle(a)",
        "r = np.random.RandomState(3)\nt += r.rand()\n@new:Vf = r.randn(n)\nt += r.randint(5)",
        "r = np.random.default_rng(8)\nt += r.choice(@{5|n + 1})\n@new:Vf = r.uniform(0, @f, n)",
        "r = np.random.default_rng(8)\nwhile r.random() < 0.7:\n    t += r.normal(1.0, 0.5)\n"
        "    @body"),
}
