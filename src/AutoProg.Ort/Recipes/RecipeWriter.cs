using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace AutoProg.Ort.Recipes;

/// <summary>Writes recipes in full, defaults included, so that a later version of the engine repeats the run.</summary>
public static class RecipeWriter
{
    /// <summary>YAML that <see cref="RecipeReader"/> reads back as an equal recipe.</summary>
    public static string Write(Recipe recipe)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var emitter = new Emitter(text, new EmitterSettings().WithBestWidth(int.MaxValue).WithNewLine("\n"));
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(null, [], isImplicit: true));
        emitter.Emit(new MappingStart());
        foreach (var section in RecipeKeys.Sections)
        {
            var nested = section.Name.Length > 0;
            if (nested)
            {
                emitter.Emit(new YamlDotNet.Core.Events.Scalar(section.Name));
                emitter.Emit(new MappingStart());
            }

            foreach (var key in section.Keys)
            {
                emitter.Emit(new YamlDotNet.Core.Events.Scalar(key.Name));
                Emit(emitter, key.Write(recipe));
            }

            if (nested)
            {
                emitter.Emit(new MappingEnd());
            }
        }

        emitter.Emit(new MappingEnd());
        emitter.Emit(new DocumentEnd(isImplicit: true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    private static void Emit(Emitter emitter, RecipeNode node)
    {
        switch (node)
        {
            case RecipeNode.Scalar scalar:
                var style = !scalar.Quoted || IsPlain(scalar.Value) ? ScalarStyle.Plain : ScalarStyle.DoubleQuoted;
                emitter.Emit(new YamlDotNet.Core.Events.Scalar(AnchorName.Empty, TagName.Empty, scalar.Value, style, isPlainImplicit: true, isQuotedImplicit: true));
                break;

            case RecipeNode.Sequence sequence:
                emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, SequenceStyle.Flow));
                foreach (var item in sequence.Items)
                {
                    Emit(emitter, item);
                }

                emitter.Emit(new SequenceEnd());
                break;

            default:
                throw new InvalidOperationException($"Recipes hold no values of kind {node.GetType().Name}.");
        }
    }

    /// <summary>Text that no YAML reader takes for anything else.</summary>
    private static bool IsPlain(string text) =>
        char.IsAsciiLetter(text[0])
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/')
        && text.ToLowerInvariant() is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off" or "y" or "n");
}
