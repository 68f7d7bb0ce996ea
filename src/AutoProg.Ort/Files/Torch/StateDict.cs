using AutoProg.Graphs;

namespace AutoProg.Ort.Files.Torch;

/// <summary>The tensors of a checkpoint: which of its parts, under which names.</summary>
/// <param name="Key">The part that was taken; null is the whole.</param>
/// <param name="Tensors">By name: nested dictionaries are joined by dots.</param>
internal sealed record StateDict(string? Key, OrderedDictionary<string, TorchTensor> Tensors)
{
    private const int MostNesting = 16;

    // Containers may be shared, so that a small file can unfold into a tree without end.
    private const int MostItems = 1_000_000;
    private const string ParallelPrefix = "module.";

    /// <summary>Parts that are looked for if none is asked for, the first that is there: averaged weights before online ones, as for sampling and fine-tuning.</summary>
    private static readonly string[] UsualKeys = ["ema", "model", "state_dict"];

    /// <summary>Takes a part of a checkpoint.</summary>
    /// <param name="root">What the pickle holds.</param>
    /// <param name="key">The part, or null.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="FileFormatException">There is no such part, or no tensor in it.</exception>
    public static StateDict Of(object? root, string? key, string path)
    {
        if (root is not PickledDict all)
        {
            throw new FileFormatException(path, "holds no dictionary of tensors; save a state dict, e.g. torch.save(model.state_dict(), 'weights.pt')");
        }

        var chosen = key ?? UsualKeys.FirstOrDefault(usual => all.Items.GetValueOrDefault(usual) is PickledDict);
        if (chosen is not null && all.Items.GetValueOrDefault(chosen) is not PickledDict)
        {
            throw new FileFormatException(path, $"has no part '{chosen}'; its parts are {Parts(all)}");
        }

        var tensors = new OrderedDictionary<string, TorchTensor>(StringComparer.Ordinal);
        var items = 0;
        Collect(chosen is null ? all : (PickledDict)all.Items[chosen]!, "", depth: 0, tensors, ref items, path);
        return tensors.Count > 0
            ? new StateDict(chosen, WithoutParallelPrefix(tensors))
            : throw new FileFormatException(path, $"has no tensor{(chosen is null ? "" : $" in its part '{chosen}'")}; its parts are {Parts(all)}");
    }

    /// <summary>Plain values and lists beside the tensors (an epoch, learning rates) are no weights.</summary>
    private static void Collect(PickledDict dict, string prefix, int depth, OrderedDictionary<string, TorchTensor> tensors, ref int items, string path)
    {
        if (depth > MostNesting)
        {
            throw new FileFormatException(path, $"nests dictionaries deeper than {MostNesting}");
        }

        foreach (var (key, value) in dict.Items)
        {
            if (++items > MostItems)
            {
                throw new FileFormatException(path, $"unfolds to more than {MostItems} items");
            }

            if (value is TorchTensor tensor && !tensors.TryAdd(prefix + key, tensor))
            {
                throw new FileFormatException(path, $"has two tensors named '{UntrustedText.Shown(prefix + key)}'");
            }

            if (value is PickledDict inner)
            {
                Collect(inner, $"{prefix}{key}.", depth + 1, tensors, ref items, path);
            }
        }
    }

    /// <summary>DistributedDataParallel puts <c>module.</c> before every name.</summary>
    private static OrderedDictionary<string, TorchTensor> WithoutParallelPrefix(OrderedDictionary<string, TorchTensor> tensors) =>
        tensors.Keys.All(static name => name.StartsWith(ParallelPrefix, StringComparison.Ordinal))
            ? new(tensors.Select(static pair => KeyValuePair.Create(pair.Key[ParallelPrefix.Length..], pair.Value)), StringComparer.Ordinal)
            : tensors;

    private static string Parts(PickledDict dict)
    {
        var names = dict.Items.Where(static item => item.Value is PickledDict).Select(static item => $"'{UntrustedText.Shown(item.Key)}'").Take(10).ToList();
        return names.Count == 0 ? "none" : string.Join(", ", names);
    }
}
