using AutoProg.Ort.Inference;

namespace TrainAndServe;

/// <summary>
/// The model that answers. A new one takes its place between two requests: those that have begun end with the old one, which is released when the last of them has.
/// </summary>
internal sealed class LiveModel : IDisposable
{
    private readonly Lock gate = new();
    private Served? current;

    /// <summary>The version in place; null before the first.</summary>
    public string? Version
    {
        get
        {
            lock (gate)
            {
                return current?.Version;
            }
        }
    }

    /// <summary>Loads a model, and lets it answer once it is ready to.</summary>
    /// <param name="version">What the model is called.</param>
    /// <param name="file">An exported classifier.</param>
    public void Swap(string version, string file)
    {
        var next = new Served(version, ImageClassifier.Open(file, threads: 1));
        Served? previous;
        lock (gate)
        {
            (previous, current) = (current, next);
        }

        previous?.Return();
    }

    /// <summary>The model in place, for one request; null before the first.</summary>
    public Loan? Borrow()
    {
        lock (gate)
        {
            return current?.Lend();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (gate)
        {
            current?.Return();
            current = null;
        }
    }

    /// <summary>A model that stays loaded until it is given back.</summary>
    internal sealed class Loan(Served model) : IDisposable
    {
        private Served? model = model;

        public string Version => model!.Version;

        public ImageClassifier Classifier => model!.Classifier;

        public void Dispose() => Interlocked.Exchange(ref model, null)?.Return();
    }

    /// <summary>A loaded model with the number of those who use it; being in place counts as one.</summary>
    internal sealed class Served(string version, ImageClassifier classifier)
    {
        private int users = 1;

        public string Version => version;

        public ImageClassifier Classifier => classifier;

        public Loan Lend()
        {
            Interlocked.Increment(ref users);
            return new Loan(this);
        }

        public void Return()
        {
            if (Interlocked.Decrement(ref users) == 0)
            {
                classifier.Dispose();
            }
        }
    }
}
