using System.IO.Enumeration;
using AutoProg.Graphs;
using AutoProg.Graphs.Import;

namespace AutoProg.Ort.Foreign;

/// <summary>Which stored tensors of a model file learn, by patterns of their names with <c>*</c> and <c>?</c>.</summary>
public static class TrainableNames
{
    /// <summary>Everything that can learn.</summary>
    public static IReadOnlyList<string> All { get; } = ["*"];

    /// <summary>The Float tensors that a pattern names and no other pattern freezes.</summary>
    /// <param name="file">The model file.</param>
    /// <param name="trainable">What learns.</param>
    /// <param name="freeze">What does not, although it is among them.</param>
    /// <exception cref="ArgumentException">A pattern names no Float tensor of the file, or nothing is left.</exception>
    public static IReadOnlySet<string> Select(OnnxModelFile file, IReadOnlyList<string> trainable, IReadOnlyList<string> freeze)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(trainable);
        ArgumentNullException.ThrowIfNull(freeze);
        var names = file.Initializers.Values.Where(static i => i.Type == ElementType.Float).Select(static i => i.Name).ToList();
        var selected = trainable.SelectMany(pattern => Named(pattern, nameof(trainable))).ToHashSet(StringComparer.Ordinal);
        selected.ExceptWith(freeze.SelectMany(pattern => Named(pattern, nameof(freeze))));
        return selected.Count > 0
            ? selected
            : throw new ArgumentException($"Nothing of {file.Path} would learn: the frozen patterns name all that the trainable ones do.", nameof(freeze));

        List<string> Named(string pattern, string parameter)
        {
            var named = names.FindAll(name => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));
            return named.Count > 0 ? named : throw new ArgumentException(
                $"Pattern '{pattern}' names no Float tensor stored in {file.Path}; {(names.Count > 0 ? $"names are e.g. '{UntrustedText.Shown(names[0])}'" : "there is none")}.", parameter);
        }
    }
}
