using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Runtime;
using MathNet.Numerics.LinearAlgebra;

namespace AutoProg.Ort.Progressive;

/// <summary>
/// The neural tangent kernel of a batch, kept in the shares of the parameters: with J_p the per-sample gradients of the sum of the outputs by parameter p, the kernel
/// of whatever is learnable is Theta = sum over p of J_p J_p^T (eq. 13). One pass with everything learnable thus serves all unfreeze levels.
/// </summary>
internal sealed class NeuralTangentKernel
{
    // Entries come from float32 sums, so an eigenvalue below this times B times the largest one is rounding.
    private const double Rounding = 1.0 / (1 << 23);

    private readonly Dictionary<string, float[]> grams;

    /// <summary>Takes the shares as they are.</summary>
    /// <param name="grams">J_p J_p^T by parameter, [B, B] row-major.</param>
    /// <exception cref="ArgumentException">There is none, or they are no square matrices of the same size.</exception>
    public NeuralTangentKernel(IReadOnlyDictionary<string, float[]> grams)
    {
        ArgumentNullException.ThrowIfNull(grams);
        this.grams = new(grams, StringComparer.Ordinal);
        var elements = this.grams.Values.FirstOrDefault()?.Length ?? 0;
        Batch = (int)Math.Round(Math.Sqrt(elements));
        if (elements == 0 || Batch * Batch != elements || this.grams.FirstOrDefault(g => g.Value.Length != elements) is { Key: not null })
        {
            throw new ArgumentException($"The Gram matrices have {string.Join(", ", this.grams.Select(static g => $"{g.Value.Length} ({g.Key})"))} elements; expected B x B in each, and at least one.", nameof(grams));
        }
    }

    /// <summary>Number of samples B.</summary>
    public int Batch { get; }

    /// <summary>The parameters that have a share.</summary>
    public IReadOnlyCollection<string> Parameters => grams.Keys;

    /// <summary>Copies the results of a <see cref="TangentKernelGraph"/>'s last run.</summary>
    /// <param name="session">The graph.</param>
    /// <param name="manifest">What describes it.</param>
    public static NeuralTangentKernel Of(EvalSession session, GraphManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(manifest);
        const string prefix = TangentKernelGraph.GramPrefix;
        return new(manifest.Outputs.Where(static o => o.Name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(static o => o.Name[prefix.Length..], o => session.Tensor(o.Name).ToArray()));
    }

    /// <summary>Theta of the learnable parameters: [B, B] row-major, symmetric.</summary>
    /// <param name="learnable">Which parameters count.</param>
    /// <exception cref="ArgumentException">No parameter that has a share is learnable.</exception>
    public double[] Matrix(Func<string, bool> learnable)
    {
        ArgumentNullException.ThrowIfNull(learnable);
        var chosen = grams.Where(g => learnable(g.Key)).Select(static g => g.Value).ToList();
        if (chosen.Count == 0)
        {
            throw new ArgumentException($"None of the {grams.Count} parameters of the kernel is learnable; expected one at least.", nameof(learnable));
        }

        var sum = new double[Batch * Batch];
        foreach (var gram in chosen)
        {
            for (var i = 0; i < sum.Length; i++)
            {
                // Products in float32 need not be symmetric to the last digit.
                var (row, column) = Math.DivRem(i, Batch);
                sum[i] += 0.5 * ((double)gram[i] + gram[(column * Batch) + row]);
            }
        }

        return sum;
    }

    /// <summary>Eigenvalues of Theta, ascending; NaN if it is not finite.</summary>
    /// <param name="learnable">Which parameters count.</param>
    /// <exception cref="ArgumentException">No parameter that has a share is learnable.</exception>
    public IReadOnlyList<double> Eigenvalues(Func<string, bool> learnable)
    {
        var theta = Matrix(learnable);
        return theta.All(double.IsFinite)
            ? [.. Matrix<double>.Build.Dense(Batch, Batch, theta).Evd(Symmetricity.Symmetric).EigenValues.Select(static e => e.Real).Order()]
            : [.. Enumerable.Repeat(double.NaN, Batch)];
    }

    /// <summary>
    /// kappa = lambda_max / lambda_min (eq. 16), at least 1; smaller is better. Positive infinity, which <see cref="RankedVoting"/> ranks last, if Theta is
    /// singular (its smallest eigenvalue is rounding: not above B 2^-23 lambda_max) or not finite (the network has diverged).
    /// </summary>
    /// <param name="learnable">Which parameters count.</param>
    /// <exception cref="ArgumentException">No parameter that has a share is learnable.</exception>
    public double ConditionNumber(Func<string, bool> learnable)
    {
        var eigenvalues = Eigenvalues(learnable);
        var (smallest, largest) = (eigenvalues[0], eigenvalues[^1]);
        return smallest > Batch * Rounding * largest ? largest / smallest : double.PositiveInfinity;
    }

    /// <summary>kappa averaged over batches; infinite as soon as it is for one.</summary>
    /// <param name="batches">At least one; the authors take two of 16 samples.</param>
    /// <param name="learnable">Which parameters count.</param>
    /// <exception cref="ArgumentException">There is no batch, or no parameter that has a share is learnable.</exception>
    public static double MeanConditionNumber(IReadOnlyCollection<NeuralTangentKernel> batches, Func<string, bool> learnable)
    {
        ArgumentNullException.ThrowIfNull(batches);
        return batches.Count > 0
            ? batches.Average(batch => batch.ConditionNumber(learnable))
            : throw new ArgumentException("There is no batch to average over; expected one at least.", nameof(batches));
    }
}
