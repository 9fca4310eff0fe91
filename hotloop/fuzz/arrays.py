"""What random programs do with NumPy beyond elements, in the notation of `writer`.

    PRODUCTS    einsum, numpy.linalg and other library calls in loops and in try statements
    PICKS       masks, index arrays and their mixtures, read and stored

`spd` is a matrix that is far from singular as long as its numbers are small.
"""

from __future__ import annotations

from hotloop.fuzz.grammar import Group

PRODUCTS: Group = {
    "spd": ("(@Mf * 0.125 + 9 * n * np.eye(n))",),
    "fails": ("np.linalg.LinAlgError", "ValueError", "(ValueError, IndexError)", "IndexError"),
    "f": ("np.linalg.det(@spd)", "np.linalg.norm(@Vf)", "np.linalg.norm(@Mf, axis=0).sum()",
          "np.einsum('i,ij,j', @Vf, @Mf, @Vf)", "np.einsum('ii', @M_)",
          "np.linalg.slogdet(@spd)[1]", "np.tensordot(@M_, @M_, 2)",
          "np.linalg.eigvalsh(@spd + @spd.T).sum()"),
    "V_": ("np.linalg.solve(@spd, @Vf)", "np.einsum('ij,j->i', @M_, @V_)", "np.dot(@M_, @V_)",
           "np.einsum('ij->j', @M_)", "np.convolve(@V_, [1, 2])[:n]", "np.cross(@V_, @V_)"),
    "M_": ("np.linalg.inv(@spd)", "np.einsum('ij,jk->ik', @M_, @M_)", "np.kron(@M_, np.eye(1))",
           "np.linalg.matrix_power(@Mf, 2)", "np.einsum('i,j->ij', @V_, @V_)", "np.cov(@Mf)",
           "np.einsum('kij,kjl->il', @U_, @U_)", "np.tensordot(@M_, @M_, 1)"),
    "statement": (
        *("t += @f", "@new:Vf = @Vf", "@new:Mf = @Mf", "@nV[:] = @nM @ @V_", "@nM[:] = @M_ @ @nM",
          "@nM[@index] = @V_ @ @M_") * 2,
        "v = np.einsum('ii->i', @nM)\nv += 1", "v = np.einsum('ij->ji', @nM)\nv[0] = 2",
        "q, r = np.linalg.qr(@spd)\nt += abs(r).sum()", "@nV[@index] = np.linalg.norm(@Vf)",
        "u, s, v = np.linalg.svd(@spd)\nt += s.sum()", "t += np.linalg.cholesky(@spd).shape[0]",
        "np.einsum('ij,j->i', @M_, @V_, out=@nV)", "np.matmul(@M_, @M_, out=@nM)",
        "v = np.fft.fft(@V_)\nt += abs(v).sum()"),
    "block": (
        "for @idx in range(n):\n    @nM[@last] = np.linalg.solve(@spd, @Vf)\n    @body",
        "for @idx in range(n):\n    t += np.einsum('i,i', @nM[@last], @V_)\n    @body",
        "for @new:Mf in @U_:\n    t += np.trace(@last @ @last)\n    @body",
        "try:\n    @new:Vf = np.linalg.solve(@Mf, @Vf)\n    @body\nexcept @fails:\n    t -= 1\n"
        "    @body",
        "try:\n    t += np.linalg.inv(@{@Mf|np.zeros((2, 2))|@spd})[0, 0]\nexcept @fails:\n"
        "    t -= 1",
        "try:\n    t += @nV.reshape(@{2|3|n}, -1).sum()\nexcept @fails:\n    t += 100",
        "try:\n    np.add(@V_, @{@M_|@V_[1:]}, out=@nV)\nexcept @fails:\n    t += 10",
        "try:\n    t += @V_[@{1:|k:}].@{argmax|max|min}()\n    @body\nexcept @fails:\n    t -= 1",
        "for @idx in range(@{3|n}):\n    try:\n        t += np.linalg.cholesky(@Mf)[0, 0]\n"
        "        @{break|continue|t += 1}\n    except @fails:\n        t -= 1\n    @body"),
}

PICKS: Group = {
    "some": ("@order", "@order[::-1]", "np.flatnonzero(@Vb)", "[0, -1]", "@order[:2]", "@Vb"),
    "part": ("@nV[@some]", "@nM[@some]", "@nM[:, @some]", "@nM[@some, @index]",
             "@nM[@index, @some]", "@nM[@Mb]", "@nM[@some, ::-1]", "@nM[np.ix_(@order, @some)]",
             "@nU[@{0|1}, @some]", "@nU[:, @some]", "@nU[..., @some]", "@nU[:, @order, @order]",
             "@nU[@{0|1}, @some, @some]", "@nM[@some][:, @some]", "@nM.T[@some]", "@nW[:, @some]",
             "@nM[@order[:, None], @some]", "@nM[@some, None]", "@nV[::-1][@some]",
             "@nM[1:, @some]"),
    "V_": ("@M_[@order, @order[::-1]]", "@M_[@order, ...][..., @index]", "np.choose(@order % 2, "
           "(@V_, @V_))", "np.select([@Vb, @Vb], [@V_, @V_], @s)", "@U_[@{0|1}, @order, @order]",
           "np.take_along_axis(@V_, @order, 0)", "@V_[@V_.argsort(kind='stable')]"),
    "statement": (
        *("@part = @s_", "@part @aug @s_", "t += @part.sum()") * 4,
        "@nM[@Mb] = @nM.T[@Mb]", "@nM[@order[:, None], @order] = @M_", "@nU[:, @order] = @U_",
        "@nM[np.ix_(@order, @order)] @aug @M_", "@nU[0, @order, @order] = @V_",
        "@nM[@order] @aug @nM[@order[::-1]]", "@nV[@Vb] = @nV[@Vb][::-1]", "@nV[~@Vb] *= 2",
        "np.add.at(@nM, (@order, @order), @s)", "np.add.at(@nM, @order, @V_)",
        "np.maximum.at(@nV, @order, @s)", "v = np.flatnonzero(@Vb)\n@nV[v] = @nV[v[::-1]]",
        "i, j = np.nonzero(@Mb)\nt += @nM[i, j].sum()\n@nM[j, i] = 1",
        "v = np.argwhere(@Mb)\nfor e in v:\n    t += e[0] - e[1]",
        "np.put_along_axis(@nM, @order[:, None], @s, axis=1)", "t += np.compress(@Vb, @V_).sum()",
        "t += np.extract(@Vb, @V_).size", "v = @nM[@order]\nv += 1\nt += v.sum()",
        "v = @nV[@some]\nv[:1] = @s\nt += v.sum()", "t += np.delete(@V_, @{0|-1|[0, 0]}).sum()"),
    "block": ("for @idx in np.flatnonzero(@Vb):\n    @nV[@last] = @f\n    @body",
              "for e in @nM[@some]:\n    t += e.sum()\n    @body",
              "for e, v in zip(*np.nonzero(@Mb)):\n    t += @nM[e, v]\n    @nM[v, e] = @s"),
}
