using AutoProg.Graphs.Artifacts.Protos;
using AttributeType = AutoProg.Graphs.Artifacts.Protos.AttributeProto.Types.AttributeType;

namespace AutoProg.Graphs.Import;

/// <summary>Attributes of a file's nodes.</summary>
internal static class AttributeReader
{
    /// <summary>All attributes of a node.</summary>
    /// <exception cref="GraphException">A name occurs twice, or a value is of a kind that graphs do not have.</exception>
    public static Attributes Read(NodeProto node, ElementReader elements)
    {
        var attributes = new Attributes();
        foreach (var attribute in node.Attribute)
        {
            if (attributes.Has(attribute.Name))
            {
                throw new GraphException($"attribute '{UntrustedText.Shown(attribute.Name)}' appears twice.");
            }

            Add(attributes, attribute, elements);
        }

        return attributes;
    }

    private static void Add(Attributes attributes, AttributeProto attribute, ElementReader elements)
    {
        switch (attribute.Type)
        {
            case AttributeType.Int:
                attributes.Add(attribute.Name, attribute.I);
                break;
            case AttributeType.Float:
                attributes.Add(attribute.Name, attribute.F);
                break;
            case AttributeType.String:
                attributes.Add(attribute.Name, attribute.S.ToStringUtf8());
                break;
            case AttributeType.Ints:
                attributes.Add(attribute.Name, attribute.Ints.ToArray());
                break;
            case AttributeType.Floats:
                attributes.Add(attribute.Name, attribute.Floats.ToArray());
                break;
            case AttributeType.Tensor:
                attributes.Add(attribute.Name, elements.Read(attribute.T ?? new TensorProto()));
                break;
            default:
                throw new GraphException($"attribute '{UntrustedText.Shown(attribute.Name)}' is of kind {attribute.Type}, which is not supported.");
        }
    }
}
