/** Style sheets are bundled as text: a view carries its own look into any page, and nothing is fetched. */
declare module "*.css" {
  const text: string;
  export default text;
}
